"""Alerts reach people: the stream of what was told, and the delivery of each alert to chats and webhooks."""
