from django.apps import AppConfig


class CompareStaticConfig(AppConfig):
    name = "compare_static"
