"""Environment variables for settings.py."""

import warnings

import environ
from django.core.exceptions import ImproperlyConfigured


class Env(environ.Env):
    """A stricter version of django-environ's Env.

    A value that starts with $ is not a reference to another variable, because secret keys and passwords may start with it.
    A misspelled boolean is an error, not False. Spaces around the items of a list are removed. The errors name the variable.
    An invalid database URL is an error that does not show the URL, which contains the password.
    """

    BOOLEAN_FALSE_STRINGS = ("", "0", "false", "off", "n", "no")

    def get_value(self, var, cast=None, default=environ.Env.NOTSET, parse_default=False):
        value = self.ENVIRON.get(var, "")
        words = (*self.BOOLEAN_TRUE_STRINGS, *self.BOOLEAN_FALSE_STRINGS)
        if cast is bool and value.strip().lower() not in words:
            raise ImproperlyConfigured(f"{var} is {value!r} in the environment or in .env. Set it to 1 or 0.")
        if cast is list:
            cast = [str.strip]
        if value.startswith("$"):
            return self.parse_value(value, cast)
        return super().get_value(var, cast, default, parse_default)

    def choice(self, var, choices, default):
        value = self.str(var, default="") or default
        if value not in choices:
            raise ImproperlyConfigured(
                f"{var} is {value!r} in the environment or in .env. Set it to {', '.join(choices[:-1])} or {choices[-1]}."
            )
        return value

    def db(self, var):
        url = self.str(var)
        try:
            # The warnings show the URL.
            with warnings.catch_warnings(action="ignore"):
                database = self.db_url_config(url)
        except ValueError:
            database = {}
        engine = database.get("ENGINE", "")
        known = engine in self.DB_SCHEMES.values() or "." in engine
        # django-environ takes sqlite://db.sqlite3 as an empty database in memory.
        ignored = engine == self.DB_SCHEMES["sqlite"] and database.get("HOST")
        if "://" not in url or not known or ignored:
            raise ImproperlyConfigured(
                f"{var} in the environment or in .env is not a database URL. Write it as sqlite:////absolute/path/db.sqlite3 "
                "or as postgres://user:password@host:5432/name, with %2F for / and %23 for # in the password."
            )
        return database
