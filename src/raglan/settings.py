"""Django's view of the options.

Cookies, headers and content policy are strict; docs/decisions/0010-style-attributes.md says where the policy gives way.
"""

from raglan.config import config
from raglan.core.db.settings import databases
from raglan.core.secrets import signing_key
from raglan.people.auth_settings import *  # noqa: F403 -- the sign-in block is kept beside its templates and tests

_config = config()

SECRET_KEY = signing_key(_config)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", _config.public_host]
ROOT_URLCONF = "raglan.urls"
AUTH_USER_MODEL = "people.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = True
LOGGING_CONFIG = None
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

DATABASES = databases(_config.database_url, _config.data_dir)
_CACHE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}
CACHES = {
    "default": {**_CACHE, "LOCATION": "raglan_cache"},  # the limits of signing in, which nobody else may push out
    "public": {**_CACHE, "LOCATION": "raglan_public_cache"},
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_cotton.apps.SimpleAppConfig",
    "raglan.core",
    "raglan.ui",
    "raglan.people",
    "raglan.catalog",
    "raglan.oncall",
    "raglan.changes",
    "raglan.processes",
    "raglan.fleet",
    "raglan.paging",
    "raglan.alerts",
    "raglan.incidents",
    "raglan.reviews",
    "raglan.runbooks",
    "raglan.outside",
    "raglan.chat",
    "raglan.integrations",
    "raglan.console",
]
MIDDLEWARE = [
    "raglan.ui.middleware.SecurityHeaders",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "raglan.ui.middleware.PlainErrors",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "raglan.console.middleware.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "raglan.people.middleware.PersonMiddleware",
    "raglan.incidents.guard.RoomGuard",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django_cotton.cotton_loader.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "django.templatetags.static",
                "raglan.ui.templatetags.raglan_ui",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "raglan.people.context.person",
                "raglan.ui.context.chrome",
            ],
        },
    }
]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = _config.data_dir / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "raglan.ui.static.HashedStatic"},
}
MEDIA_ROOT = _config.data_dir / "files"

_https = _config.is_https
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
# raglan speaks no TLS itself: without a proxy whose word counts, every request looks plain and would be sent round.
SECURE_SSL_REDIRECT = _https and _config.trusted_proxy_count > 0
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SESSION_COOKIE_NAME = "__Host-raglan" if _https else "raglan"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [_config.public_url]
CSRF_FAILURE_VIEW = "raglan.ui.views.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
