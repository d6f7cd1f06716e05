"""Settings. All that differs between installations is read from the environment.

The defaults are those of ``script/run``: the embedded PostgreSQL as database and, through kombu's ``pgmq``
transport, as broker.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
from celery.schedules import crontab

from shop.accounts.settings import account_settings, security_logging
from shop.messaging.bus.transport_settings import task_queue, transport_settings
from shop.security.secret_key import KNOWN_KEY
from shop.security.settings import security_settings

django_stubs_ext.monkeypatch()  # makes ModelAdmin[Order] and other generics subscriptable

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: str = "0") -> bool:
    return os.environ.get(name, default).lower() in {"1", "true", "yes", "on"}


def _seconds(name: str, default: float) -> timedelta:
    return timedelta(seconds=float(os.environ.get(name, default)))


def _days(name: str, default: float) -> timedelta:
    return timedelta(days=float(os.environ.get(name, default)))


# --- Web -------------------------------------------------------------------------------------

DEBUG = _flag("DJANGO_DEBUG")
#: Signs sessions and tokens. ``script/run`` generates one for each installation.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", KNOWN_KEY if DEBUG else "")
globals().update(security_settings())
#: Former secret keys, which still verify and decrypt.
SECRET_KEY_FALLBACKS = [k for k in os.environ.get("DJANGO_SECRET_KEY_FALLBACKS", "").split(",") if k]
#: Secrets that wrap the keys of data subjects: the first wraps, all unwrap. By default the secret keys.
SHOP_PRIVACY_KEYS = (
    os.environ["SHOP_PRIVACY_KEYS"].split(",")
    if "SHOP_PRIVACY_KEYS" in os.environ
    else [SECRET_KEY, *SECRET_KEY_FALLBACKS]
)
#: Time for which a process remembers the key of a data subject, a destroyed one too.
SHOP_DATA_KEY_LIFETIME = _seconds("SHOP_DATA_KEY_LIFETIME_SECONDS", 60)
#: Ids of the data subjects who were forgotten, kept apart from what is backed up.
SHOP_ERASURES_FILE = os.environ.get("SHOP_ERASURES_FILE", str(BASE_DIR / "var" / "erasures"))
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("DJANGO_CSRF_TRUSTED_ORIGINS", "").split(",") if o]

#: Bytes of a request body. A larger one is refused before it is parsed.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

#: Time for the head of a request, and for its body after the head. No thread waits for them.
SHOP_HEAD_TIMEOUT = _seconds("SHOP_HEAD_TIMEOUT_SECONDS", 10)
SHOP_BODY_TIMEOUT = _seconds("SHOP_BODY_TIMEOUT_SECONDS", 20)
#: Time for the first byte of an answer. Then the process is ended and replaced.
SHOP_VIEW_TIMEOUT = _seconds("SHOP_VIEW_TIMEOUT_SECONDS", 30)
#: Write each request to stdout.
SHOP_ACCESS_LOG = _flag("SHOP_ACCESS_LOG")

#: The bounded contexts. Queues, task routes and architecture tests are derived from this list.
CONTEXTS = ["orders", "payments", "inventory", "shipping", "notifications", "analytics"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_celery_results",
    "django_filters",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "shop.messaging",
    "shop.accounts",
    "shop.rest",
    "shop.security",
    "shop.privacy",
    "console",
    "storefront",
    *CONTEXTS,
]

MIDDLEWARE = [
    "shop.security.headers.SecurityHeaders",
    "shop.security.health.HealthCheck",
    "shop.rest.middleware.ApiErrors",
    "django.middleware.security.SecurityMiddleware",
    "shop.web.limits.RequestLimits",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "shop.accounts.second_step.SecondStepMiddleware",
    "shop.accounts.current_request.CurrentRequestMiddleware",
    "shop.accounts.refusals.RefusalMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "shop.messaging.tracing.middleware.TraceMiddleware",
    "shop.rest.middleware.QueryParameters",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "shop" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
#: Serve static files from the apps' folders, without ``collectstatic``.
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

# --- Database --------------------------------------------------------------------------------

#: The role of web and workers, which reads and writes rows.
DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql://shop@127.0.0.1:35432/shop")
#: The owner of the tables, for ``manage.py migrate`` alone; empty if there is one role for everything.
SHOP_ADMIN_DATABASE_URL = os.environ.get("SHOP_ADMIN_DATABASE_URL", "")
#: Client and server detect within 20 seconds that the other vanished silently, instead of the operating
#: system's two hours. Until then a session keeps its locks, such as a relay's shards. The URL's query
#: overrides these values.
_TIMEOUTS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2"
    " -c tcp_user_timeout=20000",
}
#: Server-side prepared statements, planned once per connection: small batches take half of PostgreSQL's time.
#: The kernel's binary array parameters (%b) require server-side binding.
_PREPARED_STATEMENTS = {"server_side_binding": True, "prepare_threshold": 3}
_database = dj_database_url.parse(DATABASE_URL, conn_max_age=None, conn_health_checks=True)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_database,
        "ENGINE": "shop.postgres.engine",
        "OPTIONS": {**_TIMEOUTS, **_PREPARED_STATEMENTS, **_database.get("OPTIONS", {})},
    }
}
#: Time of a statement of a web request. shop.wsgi says that this process serves the web; the statements of
#: workers and commands have no limit.
SHOP_WEB_STATEMENT_TIMEOUT = _seconds("SHOP_WEB_STATEMENT_TIMEOUT_SECONDS", 10)
if _flag("SHOP_SERVES_WEB"):
    _milliseconds = round(SHOP_WEB_STATEMENT_TIMEOUT.total_seconds() * 1000)
    DATABASES["default"]["OPTIONS"]["options"] += f" -c statement_timeout={_milliseconds}"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The order doctor ------------------------------------------------------------------------

#: Age below which messages count as under way and are not repaired.
SHOP_DOCTOR_GRACE = _seconds("SHOP_DOCTOR_GRACE_SECONDS", 5 * 60)
#: Interval of the periodic check-up and repair; 0 disables it.
SHOP_DOCTOR_INTERVAL = _seconds("SHOP_DOCTOR_INTERVAL_SECONDS", 60 * 60)

# --- Celery ----------------------------------------------------------------------------------

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "pgmq://postgres@127.0.0.1:35432/shop_broker")
globals().update(transport_settings(CELERY_BROKER_URL))
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # the default gives up after 100
CELERY_BROKER_CONNECTION_TIMEOUT = 5
CELERY_BROKER_HEARTBEAT = 10
CELERY_WORKER_CONSUMER = "shop.messaging.worker.celery_consumer:ShopConsumer"
CELERY_WORKER_POOL = "shop.messaging.worker.pool:CrashSafePool"
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_RESULT_EXPIRES = None  # else Celery deletes old results in one statement; see SHOP_RESULT_RETENTION
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_DEFAULT_QUEUE = "messaging"
#: Queues of Celery's own tasks, one for each app. ``shop.messaging`` declares the events queues.
CELERY_TASK_QUEUES = {name: task_queue(name, CELERY_BROKER_URL) for name in ("messaging", *CONTEXTS)}
CELERY_TASK_ROUTES = {f"{name}.*": {"queue": name} for name in CELERY_TASK_QUEUES}
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ACKS_ON_FAILURE = False
CELERY_TASK_ACKS_ON_TIMEOUT = False
CELERY_TASK_RETRY_ON_WORKER_LOST = False
CELERY_WORKER_LOST_WAIT = 1  # seconds until messages of a killed process are rejected
CELERY_TASK_TIME_LIMIT = 60  # far below RabbitMQ's consumer timeout of 30 minutes
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_DB_REUSE_MAX = 1_000_000  # else Celery drops the database connection around every task
CELERY_TIMEZONE = "UTC"

#: Periodic tasks. Each may run several times and concurrently, so several schedulers do no harm.
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": crontab(hour=hour, minute=minute)}
    for task, hour, minute in [
        ("messaging.prune_inbox", 4, 0),
        ("messaging.prune_dead_letters", 4, 10),
        ("messaging.prune_results", 4, 20),
        ("notifications.prune_messages", 4, 30),
        ("orders.prune_idempotency_keys", 4, 40),
        ("storefront.prune_sessions", 4, 50),
        ("accounts.prune_counters", 5, 20),
        ("rest.prune_idempotency_keys", 5, 0),
        ("accounts.prune_keys", 5, 10),
        ("accounts.prune_mails", 5, 30),
    ]
}
CELERY_BEAT_SCHEDULE["accounts.send_mails"] = {
    "task": "accounts.send_mails",
    "schedule": timedelta(minutes=1),
    "options": {"expires": 60},
}
if SHOP_DOCTOR_INTERVAL:
    CELERY_BEAT_SCHEDULE["console.check_up"] = {
        "task": "console.check_up",
        "schedule": SHOP_DOCTOR_INTERVAL,
        "kwargs": {"by": "the clock", "repair": True},
        "options": {"expires": SHOP_DOCTOR_INTERVAL.total_seconds()},
    }

# --- REST API --------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # Keys first, so that an anonymous request gets 401 with WWW-Authenticate, and not 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "shop.rest.fast.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
        "shop.rest.key_login.KeySessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "shop.rest.fast.rendering.JSONRenderer",
        *(["shop.rest.browsable.BrowsableAPIRenderer"] if globals()["SHOP_API_DOCS"] else []),
    ],
    "DEFAULT_PARSER_CLASSES": ["shop.rest.fast.parsing.JSONParser"],
    "DEFAULT_PERMISSION_CLASSES": ["shop.rest.permissions.HasPermissions"],
    "DEFAULT_THROTTLE_CLASSES": [
        "shop.rest.throttles.AnonymousThrottle",
        "shop.rest.throttles.AccountThrottle",
    ],
    "DEFAULT_PAGINATION_CLASS": "shop.rest.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "shop.rest.contract.ContractSchema",
    "URL_FORMAT_OVERRIDE": None,  # the header Accept decides
    "EXCEPTION_HANDLER": "shop.rest.problems.exception_handler",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "shop",
    "DESCRIPTION": "Place orders and follow them. Everything after placing one happens through events.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "OrderStatus": "orders.states.Status",
        "PaymentState": "payments.models.Payment.State",
        "RefundState": "payments.models.Refund.State",
        "ShipmentState": "shipping.models.Shipment.State",
        "TrackingStatus": "shipping.models.STATUSES",
        "NotificationState": "notifications.models.State",
        "NotificationKind": "notifications.models.Kind",
    },
}

# --- Accounts ----------------------------------------------------------------------------------

globals().update(account_settings())

# --- Shop ------------------------------------------------------------------------------------

#: Time after which an API key ends, unless its owner says so earlier or, up to a year, later.
SHOP_API_KEY_LIFETIME = _days("SHOP_API_KEY_LIFETIME_DAYS", 90)
#: Classes of the payment provider and of the carrier. The defaults are simulated.
SHOP_PAYMENT_GATEWAY = os.environ.get("SHOP_PAYMENT_GATEWAY", "payments.simulator.gateway.SimulatedGateway")
SHOP_CARRIER = os.environ.get("SHOP_CARRIER", "shipping.simulator.carrier.SimulatedCarrier")
SHOP_CURRENCY = os.environ.get("SHOP_CURRENCY", "EUR")
#: Time after which an unpaid order is cancelled. A later payment is refunded.
SHOP_PAYMENT_DEADLINE = _seconds("SHOP_PAYMENT_DEADLINE_SECONDS", 30 * 60)
#: Time after which a paid order without an answer from the stock needs attention.
SHOP_STOCK_DEADLINE = _seconds("SHOP_STOCK_DEADLINE_SECONDS", 60 * 60)
#: Time after which an order in fulfilment without an answer from the carrier needs attention.
SHOP_CARRIER_DEADLINE = _seconds("SHOP_CARRIER_DEADLINE_SECONDS", 24 * 3600)
#: Time between two tracking states at the simulated carrier (in transit, out for delivery, delivered).
SHOP_TRACKING_INTERVAL = _seconds("SHOP_TRACKING_INTERVAL_SECONDS", 2)
#: Interval of queries for a pending refund.
SHOP_REFUND_CHECK_INTERVAL = _seconds("SHOP_REFUND_CHECK_INTERVAL_SECONDS", 2)
SHOP_MAX_ORDER_LINES = 200
#: Maximum of events in one message. Set it to 1 beside workers of a release without bundles.
SHOP_EVENTS_PER_MESSAGE = int(os.environ.get("SHOP_EVENTS_PER_MESSAGE", "25"))
#: Keys that sign events and tasks on the broker: the first signs, all verify. Without any, keys derived from
#: the secret keys.
SHOP_SIGNING_KEYS = [key for key in os.environ.get("SHOP_SIGNING_KEYS", "").split(",") if key]
#: Accept timers and tasks without a signature, while processes of a release that signs nothing are running.
SHOP_ACCEPT_UNSIGNED = _flag("SHOP_ACCEPT_UNSIGNED")
#: Limits of a message from the broker. A larger one is a dead letter.
SHOP_MAX_MESSAGE_BYTES = int(os.environ.get("SHOP_MAX_MESSAGE_BYTES", str(1024 * 1024)))
SHOP_MAX_EVENTS_PER_MESSAGE = int(os.environ.get("SHOP_MAX_EVENTS_PER_MESSAGE", "1000"))
#: Retention of inbox rows. A copy delivered later takes effect again.
SHOP_INBOX_RETENTION = _days("SHOP_INBOX_RETENTION_DAYS", 30)
#: Retention of replayed dead letters; at least that of inbox rows.
SHOP_DEAD_LETTER_RETENTION = _days("SHOP_DEAD_LETTER_RETENTION_DAYS", 365)
#: Retention of task results.
SHOP_RESULT_RETENTION = _days("SHOP_RESULT_RETENTION_DAYS", 7)
#: Retention of messages to customers, which contain names and addresses.
SHOP_NOTIFICATION_RETENTION = _days("SHOP_NOTIFICATION_RETENTION_DAYS", 400)
#: Retention of Idempotency-Keys.
SHOP_IDEMPOTENCY_KEY_RETENTION = _days("SHOP_IDEMPOTENCY_KEY_RETENTION_DAYS", 30)

EMAIL_BACKEND = os.environ.get("EMAIL_BACKEND", "notifications.mail_files.EmailBackend")
EMAIL_FILE_PATH = os.environ.get("EMAIL_FILE_PATH", str(BASE_DIR / "var" / "mail"))
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "shop@example.com")

#: File of logins, refusals and changes of rights; stderr if it is empty.
_security = security_logging(os.environ.get("SHOP_SECURITY_LOG", ""))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname:<7} {processName} {name}: {message}", "style": "{"},
        **_security["formatters"],
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        **_security["handlers"],
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    "loggers": {
        "shop": {"level": os.environ.get("SHOP_LOG_LEVEL", "INFO")},
        **_security["loggers"],
    },
}
