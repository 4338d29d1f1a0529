"""The retryable steps that flows chain: one stage a file; each glues crisis, integrations and records.

Every stage is a plain coroutine taking the ``Installation`` first, so that the desk, the command line and the flows
run the very same code; flows call it through a thin Prefect task made in ``tasks.steps``.
"""
