"""Compare how four configurations of static files handle a rolling deploy.

static_configs.py defines the configurations, one of which settings.py uses. The other modules are for the command
`manage.py compare_static`, which measures them:

    releases.py, targets.py -> walk_through.py -> observations.py -> report.py, picture.py
"""
