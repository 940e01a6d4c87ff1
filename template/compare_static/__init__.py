"""Four configurations of static files, side by side, and what a rolling deploy does to each.

static_configs.py has the four; settings.py takes one of them. The rest measures them, for `manage.py compare_static`:

    walk_through.py -> process.py (a web process), stores.py (what is published) -> observations.py -> report.py
"""
