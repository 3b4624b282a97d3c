"""Every setting there is: its name, its default, and what it is for."""

from __future__ import annotations

from msgspec import Struct


class Key(Struct, frozen=True, array_like=True):
    """A setting: ``STEPWELL_<name>`` in the environment, ``name`` in a file."""

    name: str
    default: str
    help: str


_GENERAL = (
    Key("DATASTORE_ROOT", "", "the local datastore's own directory"),
    Key("DATASTORE_SYSROOT_LOCAL", "", "directory that holds the local datastore `.stepwell`"),
    Key("DEFAULT_DATASTORE", "local", "kind of datastore"),
    Key("DEFAULT_METADATA", "local", "kind of metadata store"),
    Key("DEFAULT_ENVIRONMENT", "local", "kind of environment that steps run in"),
    Key("DEFAULT_EVENT_LOGGER", "nullSidecarLogger", "where event logs go"),
    Key("DEFAULT_MONITOR", "nullSidecarMonitor", "where measurements go"),
    Key("DEFAULT_DECOSPECS", "", "decorators added to every step, separated by spaces"),
    Key("DEFAULT_PACKAGE_SUFFIXES", ".py,.R,.RDS", "files that belong to the code package"),
    Key("DEFAULT_NAMESPACE", "", "the client's namespace; empty means the user's own"),
    Key("USER", "", "name of the user, if it is not the account's"),
    Key("OWNER", "", "owner of what is deployed"),
    Key("PROFILE", "", "names the configuration file `config_<PROFILE>.json`"),
    Key("HOME", "", "directory of the user's configuration files"),
    Key("UI_URL", "", "address of the web UI, for links"),
    Key("TEMPDIR", "", "directory for temporary files"),
    Key("RUNTIME_NAME", "dev", "name of this installation, kept with each run"),
    Key("PRODUCTION_TOKEN", "", "token of a production deployment"),
    Key("CLIENT_CACHE_PATH", "", "where the client keeps what it has fetched"),
    Key("CLIENT_CACHE_MAX_SIZE", "10000", "most that the client keeps, in MB"),
    Key("DEFAULT_RUNTIME_LIMIT", "432000", "longest a remote task may take, in s"),
    Key("REMOTE_MAX_WORKERS", "100", "most tasks at once on remote engines"),
    Key("STORE_PATIENCE", "60", "how long to wait for a store, in seconds"),
    Key(
        "FSYNC", "batch", "when results are synced to disk: always, batch (at most a second behind) or never"
    ),
    Key("SEED", "", "makes the random seeds of tasks repeatable"),
    Key("VERIFY", "new", "when the hash of stored bytes is checked: always, new or never"),
    Key("TRUST", "", "directories of others from which values may be loaded, separated as in PATH; or `all`"),
    Key("SPIN_PERSIST", "false", "whether `spin` keeps what it makes"),
    Key("SPIN_ALLOWED_DECORATORS", "", "decorators that `spin` applies"),
    Key("FEAT_ALWAYS_UPLOAD_CODE_PACKAGE", "true", "store the code of local runs as well"),
    Key("OTEL_ENDPOINT", "", "where traces go"),
    Key("SERVICE_URL", "", "address of the metadata service"),
    Key("SERVICE_AUTH_KEY", "", "key for the metadata service"),
    Key("SERVICE_HEADERS", "", "headers sent to the metadata service, as JSON"),
)

GENERAL_KEYS = {key.name: key for key in _GENERAL}

# Options of commands: the command line reads these itself, they are no keys of a configuration file.
OPTION_VARIABLES = frozenset(
    (
        *("QUIET", "METADATA", "DATASTORE", "ENVIRONMENT", "FORCE_REBUILD_ENVIRONMENTS", "PACKAGE_SUFFIXES"),
        *("WITH", "PYLINT", "EVENT_LOGGER", "MONITOR", "MODE", "CONFIG", "CONFIG_VALUE"),
        *("BRANCH", "PRODUCTION", "TRIGGER"),
    )
)

# Whole families, whose members belong to back ends or to the options of one command.
FAMILIES = (
    *(
        "RUN_",
        "TASK_",
        "FLOW_",
        "DEBUG_",
        "DATASTORE_SYSROOT_",
        "DATATOOLS_",
        "S3_",
        "DEFAULT_CONTAINER_",
        "BATCH_",
        "ECS_",
    ),
    *("SFN_", "EVENTS_SFN_", "KUBERNETES_", "ARGO_", "CONDA_", "DEFAULT_SECRETS_", "CARD_"),
)

# Whoever gives somebody a datastore must not decide how far it is trusted.
NOT_OF_A_DATASTORE = frozenset({"TRUST"})

SECRETS = frozenset({"SERVICE_AUTH_KEY", "SERVICE_HEADERS", "PRODUCTION_TOKEN"})


def is_known(name: str) -> bool:
    """Whether a setting, an option or a family has this name (upper case, without prefix)."""
    return name in GENERAL_KEYS or name in OPTION_VARIABLES or name.startswith(FAMILIES)


def is_secret(name: str) -> bool:
    """Whether the value must not be shown."""
    return name in SECRETS or name.endswith(("_PASSWORD", "_SECRET", "_TOKEN", "_KEY"))
