"""The sentence model as an ONNX graph: BERT's layers over byte matrices, mean and first vector, one head a task.

Each product of a matrix is dynamic quantisation: the input is rounded to bytes as it comes (one scale a token, so that a
post reads the same whatever is read beside it), the weights have been (one scale a column), and the product of bytes is
scaled back. Everything else is 32-bit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis.small import Floats

EPSILON = 1e-12
OPSET = 20


class _Graph:
    """Nodes and constants while they are put together; names are given as they come."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: NDArray[Any] | np.generic) -> str:
        """A constant's name."""
        name = f"c{len(self.constants)}"
        self.constants.append(self._numpy.from_array(np.array(value, order="C"), name))
        return name

    def add(self, operation: str, *inputs: str, outputs: int = 1, name: str = "", **attributes: Any) -> Any:
        """The name of a node's output, or a tuple of them."""
        made = [name or f"n{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(self._helper.make_node(operation, list(inputs), made, **attributes))
        return made[0] if outputs == 1 else tuple(made)

    def bytes_of(self, x: str, width: int) -> tuple[str, str, str]:
        """``x`` rounded to bytes, with the scale of each token and the zero."""
        last = self.constant(np.array([-1]))
        peak = self.add("ReduceMax", self.add("Abs", x), last, keepdims=1)
        scale = self.add("Max", self.add("Div", peak, self.constant(np.float32(127))), self.constant(np.float32(1e-9)))
        flat = self.add("Reshape", x, self.constant(np.array([-1, width])))
        row = self.add("Reshape", scale, last)
        zeros = self.add("Expand", self.constant(np.uint8(128)), self.add("Shape", row))
        steps = self.add("QuantizeLinear", flat, row, zeros, axis=0)
        return self.add("Reshape", steps, self.add("Shape", x)), scale, self.constant(np.uint8(128))

    def linear(self, x: tuple[str, str, str], weight: Floats, bias: Floats) -> str:
        """``x @ weight.T + bias`` over bytes."""
        scale = np.maximum(np.abs(weight).max(axis=1) / 127, 1e-12).astype(np.float32)
        rounded = np.clip(np.round(weight / scale[:, None]), -127, 127).astype(np.int8).T
        quantised, unit, zero = x
        product = self.add("MatMulInteger", quantised, self.constant(rounded), zero)
        wide = self.add("Mul", self.add("Cast", product, to=1), self.constant(scale))
        return str(self.add("Add", self.add("Mul", wide, unit), self.constant(bias)))

    def normal(self, x: str, weight: Floats, bias: Floats) -> str:
        """Layer normalisation."""
        held = (x, self.constant(weight), self.constant(bias))
        return str(self.add("LayerNormalization", *held, axis=-1, epsilon=EPSILON))


def build(weights: dict[str, Floats], heads: int) -> bytes:
    """The model for onnxruntime: ``ids`` (int64, posts by tokens, 0 where there is none) → logits of each task."""
    from onnx import TensorProto, helper

    graph = _Graph()
    width = weights["embeddings.LayerNorm.weight"].shape[0]
    x, mask = _embedded(graph, weights)
    distance = graph.add("Mul", graph.add("Sub", graph.constant(np.float32(1)), mask), graph.constant(np.float32(-1e9)))
    ahead = graph.add("Unsqueeze", distance, graph.constant(np.array([1, 2])))
    layers = sum(name.endswith("attention.self.query.weight") for name in weights)
    for layer in range(layers):
        x = _layer(graph, weights, f"encoder.layer.{layer}", x, ahead, heads, width)
    wide = graph.add("Unsqueeze", mask, graph.constant(np.array([2])))
    along = graph.constant(np.array([1]))
    total = graph.add("ReduceSum", graph.add("Mul", x, wide), along, keepdims=0)
    mean = graph.add("Div", total, graph.add("ReduceSum", mask, along, keepdims=1))
    first = graph.add("Gather", x, graph.constant(np.array(0)), axis=1)
    pooled = graph.add("Concat", mean, first, axis=1)
    tasks = {task: len(weights[f"heads.{task}.weight"]) for task in ("sentiment", "emotion")}
    for task in tasks:
        head = graph.constant(weights[f"heads.{task}.weight"].T)
        graph.add("Gemm", pooled, head, graph.constant(weights[f"heads.{task}.bias"]), name=task)
    made = helper.make_graph(
        graph.nodes,
        "meaning",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["posts", "tokens"])],
        [helper.make_tensor_value_info(task, TensorProto.FLOAT, ["posts", size]) for task, size in tasks.items()],
        graph.constants,
    )
    held = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    return bytes(held.SerializeToString())


def _embedded(graph: _Graph, weights: dict[str, Floats]) -> tuple[str, str]:
    """The tokens' vectors with their places, and 1 where there is a token."""
    words = graph.add("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), "ids")
    length = graph.add("Gather", graph.add("Shape", "ids"), graph.constant(np.array([1])))
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    zero = graph.constant(np.array([0]))
    placed = graph.add("Slice", graph.constant(places.astype(np.float32)), zero, length, zero)
    embedded = graph.add("Add", words, placed)
    mask = graph.add("Cast", graph.add("Greater", "ids", graph.constant(np.array(0))), to=1)
    name = "embeddings.LayerNorm"
    return graph.normal(embedded, weights[f"{name}.weight"], weights[f"{name}.bias"]), str(mask)


def _layer(graph: _Graph, weights: dict[str, Floats], at: str, x: str, ahead: str, heads: int, width: int) -> str:
    """One layer: attention and the two wide products, each added to what came in and normalised."""

    def linear(held: tuple[str, str, str], name: str) -> str:
        return graph.linear(held, weights[f"{at}.{name}.weight"], weights[f"{at}.{name}.bias"])

    def normal(held: str, name: str) -> str:
        return graph.normal(held, weights[f"{at}.{name}.weight"], weights[f"{at}.{name}.bias"])

    split = graph.constant(np.array([0, 0, heads, width // heads]))
    quantised = graph.bytes_of(x, width)
    query, key, value = (
        graph.add("Transpose", graph.add("Reshape", linear(quantised, f"attention.self.{name}"), split), perm=perm)
        for name, perm in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
    )
    size = graph.constant(np.float32((width // heads) ** -0.5))
    near = graph.add("Add", graph.add("Mul", graph.add("MatMul", query, key), size), ahead)
    seen = graph.add("MatMul", graph.add("Softmax", near, axis=-1), value)
    joined = graph.add("Transpose", seen, perm=[0, 2, 1, 3])
    flat = graph.add("Reshape", joined, graph.constant(np.array([0, 0, width])))
    x = normal(
        graph.add("Add", x, linear(graph.bytes_of(flat, width), "attention.output.dense")), "attention.output.LayerNorm"
    )
    wide = graph.add("Gelu", linear(graph.bytes_of(x, width), "intermediate.dense"))
    return normal(
        graph.add(
            "Add", x, linear(graph.bytes_of(wide, weights[f"{at}.intermediate.dense.bias"].shape[0]), "output.dense")
        ),
        "output.LayerNorm",
    )
