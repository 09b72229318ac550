#include "harness/check/results.h"

namespace trireme {
namespace {

constexpr const char* kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "https://trireme.invalid/schema/results-1.json",
  "title": "results.json of a Trireme run",
  "type": "object",
  "required": ["schema", "run", "verdict", "exit_code", "totals", "cells"],
  "properties": {
    "schema": {"const": "trireme.results/1"},
    "run": {
      "description": "what was asked and where: id, seed, started, seconds, version, host, interpreters, command, directory",
      "type": "object",
      "properties": {
        "id": {"type": "string"}, "seed": {"type": "string", "pattern": "^0x[0-9a-f]+$"}, "started": {"type": "string"},
        "seconds": {"type": "number", "minimum": 0}, "version": {"type": "string"}, "host": {"type": "object"},
        "interpreters": {"type": "object"},
        "keep": {"enum": ["all", "failed", "none"], "description": "which trials' folders stayed; missing: all"}
      }
    },
    "verdict": {"$ref": "#/$defs/verdict", "description": "follows the exit code: 0 pass, 1 fail, else unknown"},
    "exit_code": {"enum": [0, 1, 3, 4, 130]},
    "interrupted": {"type": "boolean"},
    "infrastructure": {"type": ["string", "null"], "description": "why the infrastructure failed"},
    "totals": {
      "type": "object",
      "required": ["cells", "trials"],
      "properties": {
        "cells": {
          "description": "by verdict; unexpected counts the cells whose expected is false",
          "type": "object",
          "required": ["planned", "executed", "pass", "fail", "unknown", "unsupported", "unexpected"],
          "additionalProperties": {"$ref": "#/$defs/count"}
        },
        "trials": {
          "type": "object",
          "required": ["planned", "executed"],
          "additionalProperties": {"$ref": "#/$defs/count"}
        }
      }
    },
    "notes": {"type": "array", "items": {"type": "string"}},
    "suppressions": {"type": "array", "items": {"$ref": "#/$defs/suppression"}},
    "cells": {"type": "array", "items": {"$ref": "#/$defs/cell"}}
  },
  "$defs": {
    "count": {"type": "integer", "minimum": 0, "maximum": 10000000000},
    "verdict": {"enum": ["pass", "unknown", "fail"]},
    "values": {"type": "object", "additionalProperties": {"$ref": "#/$defs/count"}},
    "cell": {
      "type": "object",
      "required": ["scenario", "runtime", "model", "interpreter", "params", "faults", "id", "arm", "role", "reference",
                   "environment", "comparison", "verdict", "expected", "outcomes", "trials", "findings", "metrics",
                   "replay"],
      "properties": {
        "scenario": {"type": "string"}, "summary": {"type": "string"}, "runtime": {"type": "string"},
        "directory": {"type": "string", "description": "what relative paths of stacks begin in; empty: where the run was started"},
        "model": {"type": "string"},
        "interpreter": {"type": "string", "description": "empty for C++"},
        "params": {"type": "object"}, "faults": {"type": "array"}, "id": {"type": "string"},
        "arm": {"type": ["string", "null"]}, "role": {"enum": ["subject", "reference"]},
        "reference": {"type": "string", "description": "runtime/interpreter that it was compared with; empty: none"},
        "trial_index": {"type": "string"},
        "environment": {"type": "object"},
        "comparison": {"type": "array", "items": {"$ref": "#/$defs/comparison"}},
        "keys_compared": {"$ref": "#/$defs/count", "description": "keys that were compared with the reference"},
        "refusal": {
          "description": "why the cell could not run, or not on; null: it could",
          "type": ["object", "null"],
          "required": ["verdict", "reason"],
          "properties": {"verdict": {"enum": ["unknown", "unsupported"]}, "reason": {"type": "string"}}
        },
        "verdict": {"enum": ["pass", "fail", "unknown", "unsupported"]},
        "expected": {"type": "boolean"},
        "expectation": {"type": "string"}, "reason": {"type": "string"},
        "outcomes": {"$ref": "#/$defs/values"},
        "trials": {
          "type": "object",
          "required": ["planned", "executed", "pass", "fail", "unknown"],
          "additionalProperties": {"$ref": "#/$defs/count"}
        },
        "seconds": {"type": ["number", "null"], "minimum": 0, "description": "all attempts together; null: none ran"},
        "findings": {"type": "array", "items": {"$ref": "#/$defs/finding"}},
        "suppressed": {
          "description": "suppressions that matched findings, with these",
          "type": "array",
          "items": {
            "type": "object",
            "required": ["place", "trials"],
            "properties": {
              "place": {"type": "string"}, "trials": {"$ref": "#/$defs/count"},
              "findings": {"type": "array", "items": {"$ref": "#/$defs/finding"}}
            }
          }
        },
        "metrics": {"type": "object", "additionalProperties": {"$ref": "#/$defs/metric"}},
        "notes": {"type": "array", "items": {"type": "string"}},
        "replay": {"type": "string"},
        "faults_applied": {
          "description": "of a cell with a fault plan: how often each fault was applied",
          "type": ["object", "null"],
          "additionalProperties": {"$ref": "#/$defs/count"}
        },
        "fault_log": {
          "description": "applied faults by connection, side, direction, offset, name and what they did, without times",
          "type": ["object", "null"],
          "properties": {
            "trial": {"type": ["integer", "null"], "description": "that sha256 is of: the first"},
            "sha256": {"type": ["string", "null"]},
            "sha256_of_all": {"type": ["string", "null"], "description": "of the logs of all trials"},
            "not_reached_faults": {
              "$ref": "#/$defs/values", "description": "fault at an exact offset to the trials that never came there"
            },
            "state": {
              "enum": ["equal", "not reached", "diverged", "different", null],
              "description": "the worst of the trials against the reference's of the same seed; null: not compared"
            },
            "where": {"type": "string"},
            "reused_connections": {
              "description": "hit by faults in another task than the one that opened them, in the first such trial; null: none",
              "type": ["object", "null"],
              "required": ["trial", "count", "connections"],
              "properties": {
                "trial": {"type": "integer"}, "count": {"$ref": "#/$defs/count"},
                "connections": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "required": ["connection", "local", "peer", "opened_by", "faults_by"],
                    "properties": {
                      "connection": {"type": "string"}, "local": {"type": "string"}, "peer": {"type": "string"},
                      "opened_by": {"type": "string"},
                      "faults_by": {
                        "type": "object", "additionalProperties": {"$ref": "#/$defs/count"},
                        "description": "faults by the task that suffered them"
                      }
                    }
                  }
                }
              }
            },
            "trials": {
              "$ref": "#/$defs/values",
              "description": "compared, and by state; nothing: not compared, for neither cell had a fault"
            }
          }
        },
        "under_faults": {
          "description": "what the program made of its faults",
          "type": ["object", "null"],
          "required": ["class", "summary", "reason", "trials"],
          "properties": {
            "class": {
              "enum": ["not reached", "survived", "recovered", "unknown", "failed", "wrong error", "more data", "lost data",
                       "hung", "crashed"]
            },
            "summary": {"type": "string", "description": "the class, with the time to recover"},
            "reason": {"type": "string"},
            "trials": {"$ref": "#/$defs/values", "description": "class to the number of trials"},
            "notice_ms": {
              "$ref": "#/$defs/milliseconds", "description": "from a fault to when its task met with it"
            },
            "recovery_ms": {
              "$ref": "#/$defs/milliseconds",
              "description": "from the end of a fault to the next acknowledged operation, where some failed"
            },
            "cpu_ms": {
              "$ref": "#/$defs/milliseconds", "description": "processor time from the first fault until then"
            },
            "failed_operations": {"$ref": "#/$defs/count"},
            "duplicates": {"$ref": "#/$defs/count"}
          }
        },
        "wire": {
          "description": "how the bytes of connections compare with the reference's",
          "type": ["object", "null"],
          "required": ["verdict", "reason", "streams", "masked", "differences"],
          "properties": {
            "verdict": {"$ref": "#/$defs/verdict"}, "reason": {"type": "string"},
            "streams": {"$ref": "#/$defs/count"}, "masked": {"$ref": "#/$defs/count"},
            "differences": {"$ref": "#/$defs/count"}
          }
        }
      }
    },
    "milliseconds": {
      "description": "of the trials: what a member says, its median and its greatest",
      "type": ["object", "null"],
      "required": ["n", "p50", "max"],
      "properties": {
        "n": {"$ref": "#/$defs/count"}, "p50": {"type": "number", "minimum": 0}, "max": {"type": "number", "minimum": 0}
      }
    },
    "comparison": {
      "type": "object",
      "required": ["key", "rule", "verdict", "here", "there"],
      "properties": {
        "key": {"type": "string"},
        "rule": {"enum": ["exact", "multiset", "sequence", "set", "ignore", "tolerance"]},
        "verdict": {"enum": ["same", "difference", "unknown", "nondeterministic"]},
        "here": {"$ref": "#/$defs/values", "description": "value to the number of trials that showed it"},
        "there": {"$ref": "#/$defs/values", "description": "the same of the reference"}
      }
    },
    "finding": {
      "type": "object",
      "required": ["check", "kind", "signature", "message", "advisory", "participants", "evidence", "count",
                   "first_trial"],
      "properties": {
        "check": {"type": "string"}, "kind": {"type": "string"}, "signature": {"type": "string"},
        "message": {"type": "string"}, "advisory": {"type": "boolean"},
        "participants": {
          "type": "array",
          "items": {
            "type": "object",
            "required": ["task", "thread", "stack"],
            "properties": {
              "task": {"type": "string", "description": "its name; empty for a thread that runs none"},
              "thread": {"type": "integer"},
              "stack": {"type": "array", "items": {"type": "string"}, "description": "innermost last"}
            }
          }
        },
        "evidence": {"type": "object"},
        "count": {"$ref": "#/$defs/count", "description": "trials that showed it"},
        "first_trial": {"type": "integer"}
      }
    },
    "suppression": {
      "type": "object",
      "required": ["kind", "frames", "reason", "place", "trials"],
      "properties": {
        "kind": {"type": "string"}, "frames": {"type": "array", "items": {"type": "string"}},
        "reason": {"type": "string"}, "place": {"type": "string", "description": "file:line"},
        "expires": {"type": "string", "description": "the day from which on it suppresses nothing; empty: none"},
        "expired": {"type": "boolean"}, "shipped": {"type": "boolean"},
        "trials": {"$ref": "#/$defs/count", "description": "trials in which it matched a finding"}
      }
    },
    "metric": {
      "type": "object",
      "required": ["unit", "n", "min", "p50", "p99", "max"],
      "properties": {
        "unit": {"type": "string"}, "n": {"$ref": "#/$defs/count"}, "min": {"type": "number"},
        "p50": {"type": "number"}, "p99": {"type": "number"}, "max": {"type": "number"}
      }
    }
  }
})json";

}  // namespace

Json ResultsSchema() {
  Result<Json> schema = ParseJson(kSchema, "the results schema");
  TRIREME_CHECK(schema.ok());
  return *std::move(schema);
}

}  // namespace trireme
