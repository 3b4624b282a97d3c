"""Every setting there is: its name, its default, and what it is for."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Form = Literal[
    "text",
    "kind",
    "directory",
    "number",
    "true or false",
    "decorators",
    "suffixes",
    "object",
    "address",
    "database",
    "retention",
]


class Key(Struct, frozen=True):
    """A setting: ``STEPWELL_<name>`` in the environment, ``name`` in a file.

    Attributes
    ----------
    form
        What its value must be, for who sets it.
    kinds
        The values that there are, of a setting of the form ``kind``.
    in_files
        Whether it has an effect in a configuration file, not only in the environment.
    later
        Whether it is known, but without effect in this version.
    """

    name: str
    default: str
    help: str
    form: Form = "text"
    kinds: tuple[str, ...] = ()
    in_files: bool = True
    later: bool = False


_GENERAL = (
    Key("DATASTORE_ROOT", "", "the local datastore's own directory", "directory"),
    Key("DATASTORE_SYSROOT_LOCAL", "", "directory that holds the local datastore `.stepwell`", "directory"),
    Key("DEFAULT_DATASTORE", "local", "kind of datastore", "kind", ("local",)),
    Key(
        "DEFAULT_METADATA",
        "local",
        "kind of metadata store, or the address of one",
        "kind",
        ("local", "postgres", "service"),
    ),
    Key("DEFAULT_ENVIRONMENT", "local", "kind of environment that steps run in", "kind", ("local",)),
    Key("DEFAULT_EVENT_LOGGER", "nullSidecarLogger", "where event logs go", "kind", ("nullSidecarLogger",)),
    Key("DEFAULT_MONITOR", "nullSidecarMonitor", "where measurements go", "kind", ("nullSidecarMonitor",)),
    Key("DEFAULT_DECOSPECS", "", "decorators added to every step, separated by spaces", "decorators"),
    Key("DEFAULT_PACKAGE_SUFFIXES", ".py,.R,.RDS", "files that belong to the code package", "suffixes"),
    Key("DEFAULT_NAMESPACE", "", "the client's namespace; empty means the user's own"),
    Key("USER", "", "name of the user, if it is not the account's"),
    Key("OWNER", "", "owner of what is deployed", later=True),
    Key("PROFILE", "", "names the configuration file `config_<PROFILE>.json`", in_files=False),
    Key("HOME", "", "directory of the user's configuration files", "directory", in_files=False),
    Key("UI_URL", "", "address of the web UI, for links", "address", later=True),
    Key("TEMPDIR", "", "directory for temporary files", "directory", later=True),
    Key("RUNTIME_NAME", "dev", "name of this installation, kept with each run", later=True),
    Key("PRODUCTION_TOKEN", "", "token of a production deployment", later=True),
    Key("CLIENT_CACHE_PATH", "", "where the client keeps what it has fetched", "directory", later=True),
    Key("CLIENT_CACHE_MAX_SIZE", "10000", "most that the client keeps, in MB", "number", later=True),
    Key("DEFAULT_RUNTIME_LIMIT", "432000", "longest a remote task may take, in s", "number", later=True),
    Key("REMOTE_MAX_WORKERS", "100", "most tasks at once on remote engines", "number", later=True),
    Key("LOCAL_CPU", "", "cores for the tasks of a run; empty means those of this machine", "number"),
    Key("LOCAL_MEMORY", "", "MB of memory for the tasks of a run; empty means this machine's", "number"),
    Key("LOCAL_GPU", "", "GPUs for the tasks of a run, how many or `0,2`; empty means those found"),
    Key("LOCAL_TOKENS", "", "how many there are of tokens that steps claim, as in `licence=4,db=2`"),
    Key("STORE_PATIENCE", "60", "how long to wait for a store, in seconds", "number"),
    Key(
        "FSYNC",
        "batch",
        "when results are synced to disk: always, batch (at most a second behind) or never",
        "kind",
        ("always", "batch", "never"),
    ),
    Key("SEED", "", "makes the random seeds of tasks repeatable"),
    Key(
        "VERIFY",
        "new",
        "when the hash of stored bytes is checked: always, new or never",
        "kind",
        ("always", "new", "never"),
    ),
    Key("TRUST", "", "directories of others from which values may be loaded, separated as in PATH; or `all`"),
    Key(
        "RETENTION", "", "rules by which `gc` deletes runs and drops artifacts, as a JSON object", "retention"
    ),
    Key("SPIN_PERSIST", "false", "whether `spin` keeps what it makes", "true or false"),
    Key(
        "SPIN_ALLOWED_DECORATORS",
        "environment,project,timeout,card,secrets,conda,conda_base,pypi,pypi_base,uv",
        "decorators of ours that `spin` applies",
    ),
    Key("FEAT_ALWAYS_UPLOAD_CODE_PACKAGE", "true", "store the code of local runs as well", "true or false"),
    Key("OTEL_ENDPOINT", "", "where traces of runs are sent: an OTLP collector", "address"),
    Key("POSTGRES_URL", "", "address of the database of metadata of the kind postgres", "database"),
    Key("SERVICE_URL", "", "address of the metadata of the kind service", "address"),
    Key("SERVICE_AUTH_KEY", "", "key for the metadata service: a token of `stepwell server`"),
    Key("SERVICE_HEADERS", "", "headers sent to the metadata service, as JSON", "object"),
)

GENERAL_KEYS = {key.name: key for key in _GENERAL}

# Options of commands: the command line reads these itself, they are no keys of a configuration file.
OPTION_VARIABLES = frozenset(
    (
        *("QUIET", "METADATA", "DATASTORE", "ENVIRONMENT", "FORCE_REBUILD_ENVIRONMENTS", "PACKAGE_SUFFIXES"),
        *("WITH", "PYLINT", "EVENT_LOGGER", "MONITOR", "MODE"),
        *("BRANCH", "PRODUCTION", "TRIGGER"),
    )
)

# Options of one command: STEPWELL_RUN_TAG is `run --tag`.
OPTION_FAMILIES = (
    *(
        "RUN_",
        "CONTINUE_",
        "RESUME_",
        "TASK_",
        "FLOW_",
        "CHECK_",
        "SHOW_",
        "RUNS_",
        "KILL_",
        "LOGS_",
        "WHY_",
        "DUMP_",
        "GRAPH_",
        "OUTPUT_RAW_",
        "SPIN_",
        "RM_",
        "GC_",
        "DU_",
    ),
    *("DOCTOR_", "CONFIGURE_", "NEW_", "TUTORIAL_", "SERVER_", "DEMO_"),
)

# Whole families of settings, whose members belong to back ends.
FAMILIES = (
    *("DEBUG_", "DATASTORE_SYSROOT_", "DATATOOLS_", "S3_", "DEFAULT_CONTAINER_", "BATCH_", "ECS_"),
    *("SFN_", "EVENTS_SFN_", "KUBERNETES_", "ARGO_", "CONDA_", "DEFAULT_SECRETS_", "CARD_"),
)

# Whoever gives somebody a datastore must not decide how far it is trusted.
NOT_OF_A_DATASTORE = frozenset({"TRUST"})

SECRETS = frozenset({"SERVICE_AUTH_KEY", "SERVICE_HEADERS", "PRODUCTION_TOKEN"})


def is_known(name: str) -> bool:
    """Whether a setting, an option or a family has this name (upper case, without prefix)."""
    return name in GENERAL_KEYS or name in OPTION_VARIABLES or name.startswith(OPTION_FAMILIES + FAMILIES)


def nearest_key(name: str) -> str | None:
    """Return the setting or option whose name is most like this one, if any is."""
    import difflib  # costs start-up time, and is hardly ever needed

    near = difflib.get_close_matches(name, [*GENERAL_KEYS, *sorted(OPTION_VARIABLES)], n=1)
    return near[0] if near else None


def is_secret(name: str) -> bool:
    """Whether the value must not be shown."""
    return name in SECRETS or name.endswith(("_PASSWORD", "_SECRET", "_TOKEN", "_KEY"))
