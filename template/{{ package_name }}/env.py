"""Variables of the environment, for settings.py."""

import environ
from django.core.exceptions import ImproperlyConfigured


class Env(environ.Env):
    """django-environ's Env, which does not guess.

    A value that starts with $ is not the name of another variable: secret keys and passwords may start with it. A boolean
    that is misspelled is an error, not False. Spaces around the items of a list are not part of them. The error about a
    database's URL does not show it.
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

    def db(self, var):
        try:
            database = self.db_url(var)
        except ValueError:
            database = {}
        if not database.get("ENGINE"):
            raise ImproperlyConfigured(
                f"{var} in the environment or in .env is not the URL of a database. Write it as "
                "postgres://user:password@host:5432/name, with %2F for / and %23 for # in the password."
            )
        return database
