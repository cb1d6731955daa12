//! What the profile holds, as data: features, rules, decisions, settings, and the specification's examples.

/// A construct that the profile leaves out.
pub(crate) struct Refused {
    /// How findings name it.
    pub(crate) feature: &'static str,
    /// What to do instead.
    pub(crate) instead: &'static str,
    /// Members of a flow that use it.
    pub(crate) example: &'static str,
}

/// A rule that the specification's schema does not know, or one that it has and the parser does not.
pub(crate) struct Rule {
    /// For people.
    pub(crate) text: &'static str,
    /// Members of a flow that show it.
    pub(crate) example: &'static str,
}

/// What is in.
pub(super) const INCLUDED: &[(&str, &str)] = &[
    (
        "Tasks",
        "`set`, `do`, `for`, `fork`, `switch`, `try`, `raise`, `wait`, `emit`, `listen`, `run.workflow`, `call`",
    ),
    (
        "Calls",
        "`call: http`, `call: openapi` (Swagger 2, OpenAPI 3), functions of `use.functions`, [functions of Keyway's catalog](functions.md)",
    ),
    (
        "Flow control",
        "`if`, `then` (`continue`, `exit`, `end`, a task of the same list), `timeout`, `catch` with `retry`",
    ),
    (
        "Data",
        "`input`, `output`, `export`, JSON Schemas written into the flow, jq expressions in strict mode",
    ),
    (
        "Events",
        "`listen.to` with `all`, `any`, `one`, `until`, `correlate`; `read`; `foreach`",
    ),
    (
        "Starting",
        "`schedule.cron`, `every`, `after`, `on`; hooks in `document.metadata.keyway.webhooks`",
    ),
    (
        "Names",
        "`use.authentications`, `errors`, `functions`, `retries`, `secrets`, `timeouts`",
    ),
    (
        "Policies",
        "`basic`, `bearer`, `oauth2` and `oidc` with client credentials or token exchange (without `actor`), inline or as the name of a connection; `digest` (RFC 7616: SHA-256, SHA-512-256 and MD5, also `-sess`, with `qop=auth`) inline or as the name of a plain secret that holds the policy",
    ),
];

/// What is out.
pub(crate) const REFUSED: &[Refused] = &[
    Refused {
        feature: "run.container",
        instead: "call a service that does it",
        example: "do: [{a: {run: {container: {image: x}}}}]",
    },
    Refused {
        feature: "run.script",
        instead: "expressions, or call a service that does it",
        example: "do: [{a: {run: {script: {language: js, code: '1'}}}}]",
    },
    Refused {
        feature: "run.shell",
        instead: "call a service that does it",
        example: "do: [{a: {run: {shell: {command: ls}}}}]",
    },
    Refused {
        feature: "call: grpc",
        instead: "its HTTP interface",
        example: "do: [{a: {call: grpc, with: {method: x, proto: {endpoint: 'https://contoso.example/x.proto'}, service: {name: a, host: b}}}}]",
    },
    Refused {
        feature: "call: asyncapi",
        instead: "its HTTP interface, or events",
        example: "do: [{a: {call: asyncapi, with: {document: {endpoint: 'https://contoso.example'}, operation: x, message: {}}}}]",
    },
    Refused {
        feature: "call: a2a",
        instead: "its HTTP interface",
        example: "do: [{a: {call: a2a, with: {method: tasks/get}}}]",
    },
    Refused {
        feature: "call: mcp",
        instead: "its HTTP interface",
        example: "do: [{a: {call: mcp, with: {method: tools/list, transport: {http: {endpoint: 'https://contoso.example'}}}}}]",
    },
    Refused {
        feature: "a function by URL",
        instead: "`use.functions`",
        example: "do: [{a: {call: 'https://contoso.example/function.yaml'}}]",
    },
    Refused {
        feature: "use.catalogs",
        instead: "Keyway's own catalog",
        example: "use: {catalogs: {x: {endpoint: 'https://contoso.example'}}}\ndo: [{a: {set: {x: 1}}}]",
    },
    Refused {
        feature: "use.extensions",
        instead: "write the tasks where they are needed",
        example: "use: {extensions: [{x: {extend: all}}]}\ndo: [{a: {set: {x: 1}}}]",
    },
    Refused {
        feature: "schema.resource",
        instead: "the schema in `document`",
        example: "do: [{a: {set: {x: 1}, input: {schema: {resource: {endpoint: 'https://contoso.example'}}}}}]",
    },
    Refused {
        feature: "a schema of format `avro`",
        instead: "JSON Schema",
        example: "do: [{a: {set: {x: 1}, input: {schema: {format: avro, document: {}}}}}]",
    },
    Refused {
        feature: "evaluate.mode `loose`",
        instead: "`${ … }`",
        example: "evaluate: {mode: loose}\ndo: [{a: {set: {x: 1}}}]",
    },
    Refused {
        feature: "evaluate.language `javascript`",
        instead: "jq",
        example: "evaluate: {language: javascript}\ndo: [{a: {set: {x: 1}}}]",
    },
    Refused {
        feature: "the grant password in a flow",
        instead: "a connection",
        example: "use: {authentications: {a: {oauth2: {authority: 'https://contoso.example', grant: password}}}}\ndo: [{a: {set: {x: 1}}}]",
    },
    Refused {
        feature: "the grant authorization_code in a flow",
        instead: "a connection",
        example: "use: {authentications: {a: {oauth2: {authority: 'https://contoso.example', grant: authorization_code}}}}\ndo: [{a: {set: {x: 1}}}]",
    },
    Refused {
        feature: "the grant refresh_token in a flow",
        instead: "a connection",
        example: "use: {authentications: {a: {oauth2: {authority: 'https://contoso.example', grant: refresh_token}}}}\ndo: [{a: {set: {x: 1}}}]",
    },
];

/// What is refused though the specification's schema has nothing against it.
pub(crate) const STRICTER: &[Rule] = &[
    Rule {
        text: "Unknown keys, anywhere: at the top level, in `emit.event`, `correlate`, `catch.errors`, `backoff.exponential`, a named policy.",
        example: "outputs: {}\ndo: [{a: {set: {x: 1}}}]",
    },
    Rule {
        text: "An empty list of tasks.",
        example: "do: []",
    },
    Rule {
        text: "Two tasks of the same name in one list; names that are empty, longer than 256 characters, not printable, or a word of `then`.",
        example: "do: [{a: {set: {x: 1}}}, {a: {set: {x: 1}}}]",
    },
    Rule {
        text: "A `then` that leads to no task of its list, or from one branch of a `fork` to another.",
        example: "do: [{a: {set: {x: 1}, then: b}}]",
    },
    Rule {
        text: "Two cases without `when` in one `switch`.",
        example: "do: [{a: {switch: [{x: {then: end}}, {y: {then: end}}]}}]",
    },
    Rule {
        text: "Names that stand for nothing: authentications, errors, functions, retries, timeouts; secrets and connections that `use.secrets` does not declare; a function that calls itself.",
        example: "do: [{a: {call: htpp}}]",
    },
    Rule {
        text: "A function of the flow with the name of a protocol or of a function of Keyway's catalog.",
        example: "use: {functions: {respond: {set: {x: 1}}}}\ndo: [{a: {set: {x: 1}}}]",
    },
    Rule {
        text: "Expressions that are not jq, or use a variable or function that does not exist at their place.",
        example: "do: [{a: {set: {x: '${ $item }'}}}]",
    },
    Rule {
        text: "Variables that are no jq name, are written with `$`, or take a name of the language.",
        example: "do: [{a: {for: {each: input, in: .}, do: [{b: {set: {x: 1}}}]}}]",
    },
    Rule {
        text: "Text in `set` that is no expression.",
        example: "do: [{a: {set: .x}}]",
    },
    Rule {
        text: "Versions of the language other than 1.0.x.",
        example: "document: {dsl: '1.1.0', namespace: a, name: b, version: '1.0.0'}\ndo: [{a: {set: {x: 1}}}]",
    },
    Rule {
        text: "Durations with years or months; timeouts and limits that are not longer than nothing; expressions in a schedule.",
        example: "do: [{a: {wait: P1M}}]",
    },
    Rule {
        text: "A `retry` without `limit.attempt.count` or `limit.duration`; a jitter from more to less.",
        example: "do: [{a: {try: [{b: {set: {x: 1}}}], catch: {retry: {delay: PT1S}}}}]",
    },
    Rule {
        text: "A filter of errors with an expression, or with a status that is none.",
        example: "do: [{a: {try: [{b: {set: {x: 1}}}], catch: {errors: {with: {title: '${ .x }'}}}}}]",
    },
    Rule {
        text: "An error without a status of three digits.",
        example: "do: [{a: {raise: {error: {type: 'https://contoso.example/x', status: 7}}}}]",
    },
    Rule {
        text: "A schedule of nothing; cron with other than five fields or that never fires; `every` below 10 seconds.",
        example: "schedule: {cron: '0 0 30 2 *'}\ndo: [{a: {set: {x: 1}}}]",
    },
    Rule {
        text: "`all: []`; a nested expression in a filter; attributes that are objects; an emitted attribute whose name is not in lower case.",
        example: "do: [{a: {listen: {to: {all: []}}}}]",
    },
    Rule {
        text: "Expressions that may run for long (`limit`, `reduce`, `range`, `def` that calls itself, …) in a filter of events, in its `correlate.from`, or as `until` of a schedule: they are evaluated for every event.",
        example: "do: [{a: {listen: {to: {one: {with: {data: '${ first(limit(3; .items[])) == 1 }'}}}}}}]",
    },
    Rule {
        text: "An expression as `expect` of a schedule's correlation: there is no input yet that it could be evaluated on.",
        example: "schedule: {on: {one: {with: {type: com.contoso.x}, correlate: {c: {from: .data.c, expect: '${ .want }'}}}}}\ndo: [{a: {set: {x: 1}}}]",
    },
    Rule {
        text: "A body for a status that has none (204, 205, 304) in `call: respond`.",
        example: "do: [{a: {call: respond, with: {status: 204, body: gone}}}]",
    },
    Rule {
        text: "`emit` without `with`, or with an empty `type`.",
        example: "do: [{a: {emit: {event: {}}}}]",
    },
    Rule {
        text: "Addresses that are not http or https, have a user name, have data as their host, or a template beyond RFC 6570 level 1.",
        example: "do: [{a: {call: http, with: {method: get, endpoint: 'https://{host}/x'}}}]",
    },
    Rule {
        text: "Methods that are no word, CONNECT and TRACE; headers that belong to the connection (`Authorization`, `Host`, `Content-Length`, …).",
        example: "do: [{a: {call: http, with: {method: get, endpoint: 'https://contoso.example', headers: {Authorization: x}}}}]",
    },
    Rule {
        text: "`oauth2: {}`: a policy says where a token is asked for, and with which grant.",
        example: "use: {authentications: {a: {oauth2: {}}}}\ndo: [{a: {set: {x: 1}}}]",
    },
    Rule {
        text: "JSON Schemas that do not compile, refer to the net, or have patterns that look around.",
        example: "do: [{a: {set: {x: 1}, input: {schema: {document: {type: strng}}}}}]",
    },
    Rule {
        text: "JSON Schemas that look at one value more than 50,000 times, or 32 schemas deep, references followed; that lead back to themselves twice for one value; or whose `$ref` leads to an `$id`.",
        example: "do: [{a: {set: {x: 1}, input: {schema: {document: {$ref: '#'}}}}}]",
    },
    Rule {
        text: "`return` other than `stdout` and `none` for `run.workflow`; a version that is neither semantic nor `latest`.",
        example: "do: [{a: {run: {workflow: {namespace: a, name: b, version: '1.0.0'}, return: all}}}]",
    },
    Rule {
        text: "Unknown settings in `metadata.keyway`, and arguments that a function of Keyway's catalog does not take.",
        example: "do: [{a: {call: respond, with: {stauts: 200}}}]",
    },
    Rule {
        text: "More than 1,000 tasks or 5,000 different expressions; text beyond 1 MiB, 64 levels, 50,000 values or 100 aliases.",
        example: "",
    },
];

/// What is accepted though the specification's schema refuses it.
pub(crate) const LOOSER: &[Rule] = &[
    Rule {
        text: "Numbers, booleans, null and lists as values of headers and query parameters: null leaves the parameter out, a list repeats it.",
        example: "do: [{a: {call: http, with: {method: get, endpoint: 'https://contoso.example', query: {top: 10, id: [a, b], none: null}}}}]",
    },
    Rule {
        text: "An endpoint that is a path, below the base URL of the connection that it names.",
        example: "use: {secrets: [graph]}\ndo: [{a: {call: http, with: {method: get, endpoint: {uri: /users, authentication: {oauth2: {use: graph}}}}}}]",
    },
    Rule {
        text: "One expression for `parameters` of `call: openapi` and for `input` of `run.workflow`.",
        example: "do: [{a: {run: {workflow: {namespace: a, name: b, version: '1.0.0', input: '${ .x }'}}}}]",
    },
    Rule {
        text: "An expression as `authority` of an inline policy.",
        example: "use: {authentications: {a: {oauth2: {authority: '${ .x }', grant: client_credentials}}}}\ndo: [{a: {set: {x: 1}}}]",
    },
];

/// Keyway's own settings: in `document.metadata.keyway`, the last in a task's `metadata.keyway`.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    (
        "onConnectionNeeds",
        "what a step does whose connection needs somebody: `park` (the default: the run goes on when the connection is well) or `fail`",
    ),
    (
        "retentionDays",
        "for how many days finished runs are kept, 1 to 3650",
    ),
    (
        "timeZone",
        "the IANA time zone of `schedule.cron`; UTC otherwise",
    ),
    (
        "overlap",
        "what happens at a scheduled time while the last run still goes: `skip` (the default), `queue`, `parallel`",
    ),
    (
        "catchUp",
        "what happens to scheduled times that were missed: `one` (the default: the last is made up for) or `none`",
    ),
    (
        "webhooks",
        "hooks that start the flow, by name: `authentication` (`{signature: [<secret>, …]}`, `{graphNotification: <secret>}`, `apiKey` or `public`), `methods` (`[POST]`), `contentType` (`application/json`), `wait` (how long the caller waits for an answer, at most 300 seconds). The address is `/hooks/<namespace>.<name>/<hook>`; the input is `{hook, id, method, headers, query, body}`, with the headers that describe the message (`content-type`, `user-agent`, `webhook-id`, `ce-…`, `x-…`; no credentials)",
    ),
    (
        "onOutcomeUnknown",
        "in a task with `call: http` or `call: openapi`: what is done when nobody knows whether a call was made before a crash: `park` (the default), `retry`, `fail`",
    ),
];

/// What the specification leaves open, and what is so here.
pub(super) const DECISIONS: &[(&str, &str)] = &[
    (
        "a skipped task (`if` is false)",
        "its output is its raw input; its `then` is not followed, its `input`, `output`, `export` are not looked at",
    ),
    (
        "an expression",
        "is the whole text `${ … }`, over several lines too; bare jq only in `if`, `when`, `exceptWhen`, `while`, `until`, `for.in`, `from`, `as`",
    ),
    (
        "results of an expression",
        "none is null, several are a list; integers up to 64 bits stay exact",
    ),
    (
        "`$context`",
        "begins as `{}`; `export.as` sees the transformed output and replaces it; without `as` it stays",
    ),
    (
        "`$secrets`",
        "plain secrets, never a connection; read anywhere but in `input.from` or a call they are warned of",
    ),
    ("`$authorization`", "null: a token is no data"),
    (
        "`switch`",
        "cases in order; the default may stand anywhere; no match: the task's own `then`; truth as in jq",
    ),
    (
        "`for`",
        "`while` is tested before each round; a round's input is the last round's output; `exit` ends the round",
    ),
    (
        "`fork`",
        "the outputs in the order of the branches; `compete`: the first success; each branch has its own copy of `$context`",
    ),
    (
        "`catch`",
        "filters compare; `.` in `when` is the error; retries first, then `do` once; without both the output is the input of `try`",
    ),
    (
        "`retry`",
        "`count` counts retries, not attempts; exponential is d·2ⁿ⁻¹, linear d·n; jitter is added; `Retry-After` is waited for",
    ),
    (
        "types of errors",
        "both bases of the standard types are matched, the one of 1.0.3 is raised",
    ),
    (
        "`end` deep inside",
        "the outputs and exports around it are still made, innermost first",
    ),
    ("`emit`", "its output is the event"),
    (
        "`listen`",
        "one event for each filter of `all`; a constant is equal, or a regular expression over the whole attribute",
    ),
    (
        "`schedule`",
        "five fields, a time zone from `document.metadata.keyway.timeZone` (UTC otherwise), no overlap, at most one start is made up for; the input is `{}`, with `on` the list of events",
    ),
    (
        "`run.workflow`",
        "without `input` it gets the task's; an error keeps type, status and title; `version: latest` is the current one, which after a rollback is an older one; any other version is the text that was deployed last under it",
    ),
    (
        "a URI template",
        "`{x}` is a member of the transformed input, empty when it is missing, an error when it is an object or a list",
    ),
    (
        "an address that is an expression",
        "is taken as it comes, encoded by its author (`@uri`); its host may come from data: the credential of a connection never goes beyond its origins, one that stands in the flow goes where the expression says",
    ),
    (
        "integers",
        "as YAML 1.2 has them: `010` is ten, `0o10` eight; `on`, `no` and dates are text",
    ),
    (
        "life-cycle events of runs and tasks",
        "are not published (`io.serverlessworkflow.…`): a run that must be told of emits an event of its own, in `catch` too",
    ),
];

/// The specification's examples: in, or which feature refuses them.
pub(crate) const EXAMPLES: &[(&str, Option<&str>)] = &[
    ("accumulate-room-readings.yaml", None),
    ("authentication-bearer-uri-format.yaml", None),
    ("authentication-bearer.yaml", None),
    ("authentication-oauth2-secret.yaml", None),
    ("authentication-oauth2.yaml", None),
    ("authentication-oidc-secret.yaml", None),
    ("authentication-oidc.yaml", None),
    ("authentication-reusable.yaml", None),
    ("call-asyncapi-publish.yaml", Some("call: asyncapi")),
    (
        "call-asyncapi-subscribe-consume-amount.yaml",
        Some("call: asyncapi"),
    ),
    (
        "call-asyncapi-subscribe-consume-forever-foreach.yaml",
        Some("call: asyncapi"),
    ),
    (
        "call-asyncapi-subscribe-consume-until.yaml",
        Some("call: asyncapi"),
    ),
    (
        "call-asyncapi-subscribe-consume-while.yaml",
        Some("call: asyncapi"),
    ),
    (
        "call-custom-function-cataloged.yaml",
        Some("a function by URL"),
    ),
    ("call-custom-function-inline.yaml", None),
    ("call-grpc.yaml", Some("call: grpc")),
    ("call-http-endpoint-interpolation-shorthand.yaml", None),
    ("call-http-endpoint-interpolation.yaml", None),
    ("call-http-query-headers-expressions.yaml", None),
    ("call-http-query-parameters.yaml", None),
    ("call-http-redirect.yaml", None),
    ("call-mcp.yaml", Some("call: mcp")),
    ("call-openapi-redirect.yaml", None),
    ("call-openapi.yaml", None),
    ("conditional-task.yaml", None),
    ("do-multiple.yaml", None),
    ("do-single.yaml", None),
    ("emit.yaml", None),
    ("for.yaml", None),
    ("fork.yaml", None),
    ("listen-to-all read-envelope.yaml", None),
    ("listen-to-all.yaml", None),
    ("listen-to-any-filter.yaml", None),
    ("listen-to-any-forever-foreach.yaml", None),
    ("listen-to-any-until-condition.yaml", None),
    ("listen-to-any-until-consumed.yaml", None),
    ("listen-to-any.yaml", None),
    ("listen-to-one.yaml", None),
    ("mock-service-extension.yaml", Some("use.extensions")),
    ("raise-inline.yaml", None),
    ("raise-reusable.yaml", None),
    ("run-container-cleanup-always.yaml", Some("run.container")),
    (
        "run-container-cleanup-eventually.yaml",
        Some("run.container"),
    ),
    (
        "run-container-stdin-and-arguments.yaml",
        Some("run.container"),
    ),
    ("run-container-with-name.yaml", Some("run.container")),
    ("run-container-with-pull-policy.yaml", Some("run.container")),
    ("run-container.yaml", Some("run.container")),
    ("run-return-all.yaml", Some("run.container")),
    ("run-return-code.yaml", Some("run.container")),
    ("run-return-none.yaml", Some("run.container")),
    ("run-return-stderr.yaml", Some("run.container")),
    (
        "run-script-with-stdin-and-arguments.yaml",
        Some("run.script"),
    ),
    ("run-shell-stdin-and-arguments.yaml", Some("run.shell")),
    ("run-subflow.yaml", None),
    ("schedule-cron.yaml", None),
    ("schedule-event-driven.yaml", None),
    ("set-expression.yaml", None),
    ("set.yaml", None),
    ("star-wars-homeworld.yaml", None),
    ("switch-then-string.yaml", None),
    ("try-catch-retry-inline.yaml", None),
    ("try-catch-retry-reusable.yaml", None),
    ("try-catch-then.yaml", None),
    ("try-catch.yaml", None),
    ("wait-duration-inline.yaml", None),
    ("wait-duration-iso8601.yaml", None),
];
