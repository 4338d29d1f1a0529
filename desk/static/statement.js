// The statement desk's comforts. Everything works without them: they put the cursor where a note points, put a fact in
// where the cursor is, and warn before typed words are left behind.
(function () {
  "use strict";
  var editor = document.getElementById("editor");
  if (!editor) { return; }
  var touched = false;

  function field(name) { return document.getElementById(name); }

  editor.addEventListener("input", function () { touched = true; });
  document.addEventListener("submit", function (event) { if (event.target === editor) { touched = false; } });
  window.addEventListener("beforeunload", function (event) { if (touched) { event.preventDefault(); } });

  document.addEventListener("click", function (event) {
    var note = event.target.closest(".to-mark");
    if (note) {
      var where = field(note.dataset.field);
      if (where) {
        event.preventDefault();
        where.focus();
        where.setSelectionRange(Number(note.dataset.start), Number(note.dataset.end));
        where.scrollIntoView({ block: "center" });
      }
      return;
    }
    var fact = event.target.closest("button.insert");
    if (fact) {
      var body = field("body");
      event.preventDefault();
      body.focus();
      var before = body.value.slice(0, body.selectionStart);
      var space = before && !/\s$/.test(before) ? " " : "";
      body.setRangeText(space + fact.dataset.text, body.selectionStart, body.selectionEnd, "end");
      body.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
})();
