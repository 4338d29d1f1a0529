"""The kinds that a channel, a notifier and a source may be of: what ``kind`` in fireline.toml may say.

``integrations`` holds what speaks to each; a test holds the two together.
"""

CHANNELS = ("bluesky", "mastodon", "sandbox", "smtp", "statuspage")
NOTIFIERS = ("sandbox", "slack", "smtp")
SOURCES = (
    "app_store", "feed", "hackernews", "jetstream", "mastodon_hashtag", "mastodon_stream", "pds_repos",
    "play_reviews", "recorded", "reddit", "webhook", "x_recent", "x_stream",
)  # fmt: skip
