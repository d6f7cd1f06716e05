"""Settings. All that differs between installations is read from the environment.

The defaults are those of ``script/run``: the embedded PostgreSQL as database and, through kombu's ``pgmq``
transport, as broker.
"""

import os
from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from celery.schedules import crontab

from shop import telemetry
from shop.accounts.settings import account_settings, security_logging
from shop.admin_settings import admin_settings
from shop.carrier_settings import carrier_settings, carrier_webhooks
from shop.cors_settings import cors_settings
from shop.endpoint_settings import endpoint_settings
from shop.environment import days, flag, listed, number, seconds, storages
from shop.mail_settings import mail_settings, mail_webhooks
from shop.messaging.bus.transport_settings import task_queue, transport_settings
from shop.postgres.settings import database_settings
from shop.privacy.settings import privacy_settings
from shop.rest.settings import rest_settings
from shop.security.secret_key import KNOWN_KEY
from shop.security.settings import security_settings

django_stubs_ext.monkeypatch()  # makes ModelAdmin[Order] and other generics subscriptable

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Web -------------------------------------------------------------------------------------

DEBUG = flag("DJANGO_DEBUG")
#: Signs sessions and tokens. ``script/run`` generates one for each installation.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", KNOWN_KEY if DEBUG else "")
globals().update(security_settings())
#: Former secret keys, which still verify and decrypt.
SECRET_KEY_FALLBACKS = listed("DJANGO_SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = listed("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = listed("DJANGO_CSRF_TRUSTED_ORIGINS")

#: Bytes of a request body. A larger one is refused before it is parsed.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

#: Time for the head of a request, and for its body after the head. No thread waits for them.
SHOP_HEAD_TIMEOUT = seconds("SHOP_HEAD_TIMEOUT_SECONDS", 10)
SHOP_BODY_TIMEOUT = seconds("SHOP_BODY_TIMEOUT_SECONDS", 20)
#: Time for the first byte of an answer. Then the process is ended and replaced.
SHOP_VIEW_TIMEOUT = seconds("SHOP_VIEW_TIMEOUT_SECONDS", 30)
#: Write each request to stdout.
SHOP_ACCESS_LOG = flag("SHOP_ACCESS_LOG")

#: Address of this process's metrics for Prometheus, as in ``127.0.0.1:9464``; empty for none.
SHOP_METRICS = os.environ.get("SHOP_METRICS", "")

#: The bounded contexts. Queues, task routes and architecture tests are derived from this list.
CONTEXTS = ["orders", "payments", "inventory", "shipping", "notifications", "analytics", "integrations"]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin.apps.SimpleAdminConfig",  # workers need no pages: shop.urls imports them
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
    "shop.webhooks",
    "console",
    "storefront",
    *CONTEXTS,
]
if SHOP_METRICS:
    INSTALLED_APPS.append("shop.metrics")
if telemetry.is_configured(os.environ):
    INSTALLED_APPS.append("shop.telemetry")

MIDDLEWARE = [
    "shop.security.headers.SecurityHeaders",
    "shop.security.health.HealthCheck",
    "shop.rest.middleware.ApiErrors",
    "django.middleware.security.SecurityMiddleware",
    "shop.web.limits.RequestLimits",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "shop.web.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "shop.accounts.second_step.SecondStepMiddleware",
    "shop.accounts.current_request.CurrentRequestMiddleware",
    "shop.accounts.refusals.RefusalMiddleware",
    "shop.accounts.time_zones.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "shop.messaging.tracing.middleware.TraceMiddleware",
    "shop.rest.middleware.QueryParameters",
]
globals().update(cors_settings(INSTALLED_APPS, MIDDLEWARE))

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "shop" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # {% translate %} and {% blocktranslate %} without loading them in each template.
            "builtins": ["django.templatetags.i18n"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
globals().update(admin_settings())
#: Uploaded pictures: a folder, or another storage of Django's with its options as JSON.
MEDIA_URL = "/media/"
MEDIA_ROOT = os.environ.get("SHOP_MEDIA_ROOT", str(BASE_DIR / "var" / "media"))
STORAGES = storages()
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
#: Language of the API, of logs, and of visitors whose browsers ask for none of the others.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
#: Language of letters, which go out long after the page was shown.
SHOP_LANGUAGE = os.environ.get("SHOP_LANGUAGE", "en")
FORMAT_MODULE_PATH = "shop.formats"
USE_TZ = True
TIME_ZONE = "UTC"

# --- Database --------------------------------------------------------------------------------

#: The role of web and workers, which reads and writes rows.
DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql://shop@127.0.0.1:35432/shop")
#: The owner of the tables, for ``manage.py migrate`` alone; empty if there is one role for everything.
SHOP_ADMIN_DATABASE_URL = os.environ.get("SHOP_ADMIN_DATABASE_URL", "")
#: Time of a statement of a web request. shop.wsgi says that this process serves the web; the statements of
#: workers and commands have no limit.
SHOP_WEB_STATEMENT_TIMEOUT = seconds("SHOP_WEB_STATEMENT_TIMEOUT_SECONDS", 10)
_statement_timeout = SHOP_WEB_STATEMENT_TIMEOUT if flag("SHOP_SERVES_WEB") else None
DATABASES = {"default": database_settings(DATABASE_URL, _statement_timeout)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The order doctor ------------------------------------------------------------------------

#: Age below which messages count as under way and are not repaired.
SHOP_DOCTOR_GRACE = seconds("SHOP_DOCTOR_GRACE_SECONDS", 5 * 60)
#: Ed25519 keys of the log's signed roots, in hexadecimal digits: the private one, and former public ones.
SHOP_LOG_KEY = os.environ.get("SHOP_LOG_KEY", "")
SHOP_LOG_FORMER_PUBLIC_KEYS = listed("SHOP_LOG_FORMER_PUBLIC_KEYS")
#: Interval of the periodic check-up and repair; 0 disables it.
SHOP_DOCTOR_INTERVAL = seconds("SHOP_DOCTOR_INTERVAL_SECONDS", 60 * 60)

# --- Celery ----------------------------------------------------------------------------------

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "pgmq://postgres@127.0.0.1:35432/shop_broker")
globals().update(transport_settings(CELERY_BROKER_URL))
#: Event bus: by default Celery's broker.
SHOP_EVENT_BUS = os.environ.get("SHOP_EVENT_BUS") or CELERY_BROKER_URL
#: Days for which Kafka retains events. A context that is down for longer loses some.
SHOP_KAFKA_RETENTION_DAYS = number("SHOP_KAFKA_RETENTION_DAYS", 14)
#: On Service Bus events come in sessions, one for each of the outbox's shards, which keeps their order.
SHOP_SERVICEBUS_SESSIONS = os.environ.get("SHOP_SERVICEBUS_SESSIONS") == "1"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # the default gives up after 100
CELERY_BROKER_CONNECTION_TIMEOUT = 5
CELERY_BROKER_HEARTBEAT = 10
CELERY_WORKER_CONSUMER = "shop.messaging.worker.celery_consumer:ShopConsumer"
CELERY_WORKER_POOL = "shop.messaging.worker.pool:CrashSafePool"
CELERY_BEAT_SCHEDULER = "shop.messaging.worker.scheduler:ShopScheduler"
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
        ("webhooks.prune_notices", 5, 40),
        ("integrations.prune_deliveries", 5, 50),
    ]
}
for _task in ("accounts.send_mails", "analytics.note_positions", "analytics.follow_log", "console.alert"):
    CELERY_BEAT_SCHEDULE[_task] = {
        "task": _task,
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    }
CELERY_BEAT_SCHEDULE["payments.renew_holds"] = {
    "task": "payments.renew_holds",
    "schedule": timedelta(minutes=10),
    "options": {"expires": 600},
}
if SHOP_LOG_KEY:
    CELERY_BEAT_SCHEDULE["messaging.sign_log"] = {
        "task": "messaging.sign_log",
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

globals().update(rest_settings(has_browsable_api=globals()["SHOP_API_DOCS"]))

# --- Accounts ----------------------------------------------------------------------------------

globals().update(account_settings())

# --- Personal data --------------------------------------------------------------------------------

globals().update(privacy_settings([SECRET_KEY, *SECRET_KEY_FALLBACKS], BASE_DIR / "var" / "erasures"))

# --- Shop ------------------------------------------------------------------------------------

#: Time after which an API key ends, unless its owner says so earlier or, up to a year, later.
SHOP_API_KEY_LIFETIME = days("SHOP_API_KEY_LIFETIME_DAYS", 90)
#: Classes of the payment provider and of the carrier. The defaults are simulated.
STRIPE_API_KEY = os.environ.get("STRIPE_API_KEY", "")
SHOP_PAYMENT_GATEWAY = os.environ.get("SHOP_PAYMENT_GATEWAY") or (
    "payments.stripe.gateway.StripeGateway"
    if STRIPE_API_KEY
    else "payments.simulator.gateway.SimulatedGateway"
)
#: Address of Stripe's API, another one for a stand-in alone.
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "https://api.stripe.com")
#: Secrets of the webhook's endpoint at Stripe; two while one is replaced by the other.
STRIPE_WEBHOOK_SECRETS = listed("STRIPE_WEBHOOK_SECRET")
#: Connections of a process to Stripe that charge at once, and time for an answer.
SHOP_STRIPE_CONNECTIONS = number("SHOP_STRIPE_CONNECTIONS", 8)
SHOP_STRIPE_TIMEOUT = seconds("SHOP_STRIPE_TIMEOUT_SECONDS", 8)
#: Address of the shop for those who come from a letter or a bank's page; without a slash at the end.
SHOP_URL = (os.environ.get("SHOP_URL") or "http://localhost:8000").rstrip("/")
#: Font of PDFs, a TrueType or OpenType file; empty for DejaVu where the system has it.
SHOP_PDF_FONT = os.environ.get("SHOP_PDF_FONT", "")
#: Page that a customer comes back to from the bank; ``{order_id}`` is the order's.
SHOP_PAYMENT_RETURN_URL = os.environ.get("SHOP_PAYMENT_RETURN_URL") or f"{SHOP_URL}/orders/{{order_id}}/"
#: Webhooks by provider: the path of an Endpoint of shop.webhooks. Only what is configured is in it.
SHOP_WEBHOOKS = {"stripe": "payments.stripe.webhooks.endpoint"} if STRIPE_API_KEY else {}
if SHOP_PAYMENT_GATEWAY.startswith("payments.simulator."):
    SHOP_WEBHOOKS["simulator"] = "payments.simulator.bank.endpoint"
if STRIPE_API_KEY:
    CELERY_BEAT_SCHEDULE["payments.ask_for_missed_notices"] = {
        "task": "payments.ask_for_missed_notices",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 300},
    }
#: Retention of what providers have sent, encrypted.
SHOP_WEBHOOK_RETENTION = days("SHOP_WEBHOOK_RETENTION_DAYS", 30)
#: Moment at which the money of an order is taken: ``shipped``, when its parcel leaves, or ``placed``, as soon
#: as it has its stock. Until then it is held.
SHOP_CAPTURE = os.environ.get("SHOP_CAPTURE", "shipped")
#: Time for which the provider holds money. A hold is renewed in time.
SHOP_AUTHORISATION_PERIOD = days("SHOP_AUTHORISATION_DAYS", 7)
globals().update(endpoint_settings())
globals().update(carrier_settings())
SHOP_WEBHOOKS |= carrier_webhooks()
SHOP_WEBHOOKS |= mail_webhooks()
SHOP_CURRENCY = os.environ.get("SHOP_CURRENCY", "EUR")
#: Time after which an unpaid order is cancelled. A later payment is refunded.
SHOP_PAYMENT_DEADLINE = seconds("SHOP_PAYMENT_DEADLINE_SECONDS", 30 * 60)
#: Attempts to pay an order, so that nobody tries stolen cards out.
SHOP_PAYMENT_ATTEMPTS = number("SHOP_PAYMENT_ATTEMPTS", 10)
#: Time after which a paid order without an answer from the stock needs attention.
SHOP_STOCK_DEADLINE = seconds("SHOP_STOCK_DEADLINE_SECONDS", 60 * 60)
#: Time after which a paid order whose goods did not come in needs attention.
SHOP_BACKORDER_DEADLINE = seconds("SHOP_BACKORDER_DEADLINE_SECONDS", 30 * 24 * 3600)
#: Time after which an order in fulfilment without an answer from the carrier needs attention.
SHOP_CARRIER_DEADLINE = seconds("SHOP_CARRIER_DEADLINE_SECONDS", 24 * 3600)
SHOP_DELIVERY_DEADLINE = seconds("SHOP_DELIVERY_DEADLINE_SECONDS", 30 * 24 * 3600)
#: Time after the delivery in which customers may ask for a return, and time in which its goods have to come.
SHOP_RETURN_PERIOD = days("SHOP_RETURN_PERIOD_DAYS", 30)
SHOP_RETURN_ARRIVAL = days("SHOP_RETURN_ARRIVAL_DAYS", 21)
#: Time after which an operator is alerted about a return that nobody has decided on.
SHOP_RETURN_DECISION = days("SHOP_RETURN_DECISION_DAYS", 3)
#: Interval of queries for a payment that its customer has to confirm, should the provider's notice be lost.
SHOP_PAYMENT_CHECK_INTERVAL = seconds("SHOP_PAYMENT_CHECK_INTERVAL_SECONDS", 60)
#: Interval of queries for a pending refund.
SHOP_REFUND_CHECK_INTERVAL = seconds("SHOP_REFUND_CHECK_INTERVAL_SECONDS", 3600 if STRIPE_API_KEY else 2)
SHOP_MAX_ORDER_LINES = 200
#: Maximum of events in one message. Set it to 1 beside workers of a release without bundles.
SHOP_EVENTS_PER_MESSAGE = number("SHOP_EVENTS_PER_MESSAGE", 25)
#: Keys that sign events and tasks on the broker: the first signs, all verify. Without any, keys derived from
#: the secret keys.
SHOP_SIGNING_KEYS = listed("SHOP_SIGNING_KEYS")
#: Accept timers and tasks without a signature, while processes of a release that signs nothing are running.
SHOP_ACCEPT_UNSIGNED = flag("SHOP_ACCEPT_UNSIGNED")
#: Limits of a message from the broker. A larger one is a dead letter.
SHOP_MAX_MESSAGE_BYTES = number("SHOP_MAX_MESSAGE_BYTES", 1024 * 1024)
SHOP_MAX_EVENTS_PER_MESSAGE = number("SHOP_MAX_EVENTS_PER_MESSAGE", 1000)
#: Retention of inbox rows. A copy delivered later takes effect again.
SHOP_INBOX_RETENTION = days("SHOP_INBOX_RETENTION_DAYS", 30)
#: Retention of replayed dead letters; at least that of inbox rows.
SHOP_DEAD_LETTER_RETENTION = days("SHOP_DEAD_LETTER_RETENTION_DAYS", 365)
#: Retention of task results.
SHOP_RESULT_RETENTION = days("SHOP_RESULT_RETENTION_DAYS", 7)
#: Retention of messages to customers, which contain names and addresses.
SHOP_NOTIFICATION_RETENTION = days("SHOP_NOTIFICATION_RETENTION_DAYS", 400)
#: Retention of Idempotency-Keys.
SHOP_IDEMPOTENCY_KEY_RETENTION = days("SHOP_IDEMPOTENCY_KEY_RETENTION_DAYS", 30)

globals().update(mail_settings(BASE_DIR / "var" / "mail"))

#: File of logins, refusals and changes of rights; stderr if it is empty.
_security = security_logging(os.environ.get("SHOP_SECURITY_LOG", ""))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname:<7} {processName} {name}: {message}", "style": "{"},
        "json": {"()": "shop.json_logs.JsonFormatter"},
        **_security["formatters"],
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json" if os.environ.get("LOG_FORMAT") == "json" else "line",
        },
        **_security["handlers"],
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    "loggers": {
        "shop": {"level": os.environ.get("SHOP_LOG_LEVEL", "INFO")},
        "stripe": {"level": "WARNING"},  # it writes requests and answers at lower levels
        **_security["loggers"],
    },
}
