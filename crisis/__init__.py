"""The domain: what crisis communication knows, as pure code.

No network, no database, no Prefect. Models are frozen; time is passed in; every refusal says why.
"""
