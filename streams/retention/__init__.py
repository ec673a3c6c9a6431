"""Retention: what is past its time is rolled up or removed, behind a floor that rises first. Off the path of an order.

Read `policy.py` (how long), `deeds.py` (what is done about a key), then `purger.py` (when and by whom).
"""
