-- What Stepwell 0.1 wrote: metadata of version 1. Later versions read it; it is never changed.
BEGIN TRANSACTION;
CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO "counters" VALUES('run',41);
CREATE TABLE run_tags (tag TEXT NOT NULL, flow TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (tag, flow, run));
INSERT INTO "run_tags" VALUES('t','F','41');
INSERT INTO "run_tags" VALUES('user:ann','F','41');
CREATE TABLE runs (
            flow TEXT NOT NULL, run TEXT NOT NULL, number BIGINT NOT NULL, state TEXT NOT NULL,
            username TEXT NOT NULL, created_at DOUBLE PRECISION NOT NULL, finished_at DOUBLE PRECISION,
            heartbeat_at DOUBLE PRECISION, host TEXT NOT NULL, pid BIGINT NOT NULL,
            pid_started DOUBLE PRECISION NOT NULL, reason TEXT NOT NULL, tags TEXT NOT NULL,
            system_tags TEXT NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (flow, run));
INSERT INTO "runs" VALUES('F','41',41,'failed','ann',1.5,3.0,2.5,'box',7,99.0,'task a/2 failed','["t"]','["user:ann"]','{"command":"run"}');
CREATE TABLE tasks (
            flow TEXT NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL, task TEXT NOT NULL,
            number BIGINT NOT NULL, state TEXT NOT NULL, attempt BIGINT NOT NULL,
            created_at DOUBLE PRECISION NOT NULL, started_at DOUBLE PRECISION, finished_at DOUBLE PRECISION,
            index_path TEXT NOT NULL, label TEXT NOT NULL, pid BIGINT NOT NULL, host TEXT NOT NULL,
            exit_code BIGINT, error TEXT NOT NULL, parents TEXT NOT NULL, fields TEXT NOT NULL,
            PRIMARY KEY (flow, run, step, task));
INSERT INTO "tasks" VALUES('F','41','a','2',2,'failed',1,1.5,1.75,2.0,'0','x',8,'box',1,'ValueError: no','start/1','{"attempt_ok":"False"}');
CREATE INDEX runs_by_number ON runs (number);
CREATE INDEX runs_of_flow ON runs (flow, number);
CREATE INDEX tags_of_run ON run_tags (flow, run);
CREATE INDEX tasks_of_run ON tasks (flow, run, number);
COMMIT;
PRAGMA user_version = 1;
