"""Four configurations of static files, side by side, and what a rolling deploy does to each.

static_configs.py has the four; settings.py takes one of them. The rest measures them, for `manage.py compare_static`:

    releases.py, targets.py -> walk_through.py -> observations.py -> report.py, picture.py
"""
