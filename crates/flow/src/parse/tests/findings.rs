//! What people read when something is wrong: the place, underlined, and the words.

use std::fmt::Write as _;

use crate::Flow;

const HEAD: &str = "document: {dsl: '1.0.3', namespace: test, name: bad, version: '1.0.0'}\n";

/// Findings as a terminal would show them.
fn shown(text: &str) -> String {
    let (verdict, findings) = match Flow::parse(text) {
        Ok(flow) => ("accepted", flow.warnings),
        Err(diagnostics) => ("refused", diagnostics.0),
    };
    let mut out = format!("{verdict}\n");
    for finding in findings {
        let line = text.lines().nth(finding.line - 1).unwrap_or_default();
        let _ = writeln!(
            out,
            "{}:{} {} {:?}\n  {}\n    {line}",
            finding.line, finding.column, finding.code, finding.pointer, finding.message
        );
        let _ = writeln!(
            out,
            "    {}{}",
            " ".repeat(finding.column - 1),
            "^".repeat(finding.length)
        );
        if let Some(hint) = finding.hint {
            let _ = writeln!(out, "  hint: {hint}");
        }
    }
    out
}

/// Each text with what is said of it.
fn check(area: &str, texts: &[&str]) {
    let all = texts.iter().fold(String::new(), |mut all, text| {
        let text = if text.contains("document:") || area == "text" {
            (*text).to_owned()
        } else {
            format!("{HEAD}{text}")
        };
        let _ = writeln!(
            all,
            "{}\n--------\n{}========",
            text.trim_end(),
            shown(&text)
        );
        all
    });
    insta::assert_snapshot!(area, all);
}

#[test]
fn text() {
    check(
        "text",
        &[
            "",
            "# nothing\n",
            "\u{feff}document: {}\n",
            "document: {}\n---\ndocument: {}\n",
            "document:\n\tdsl: x\n",
            "a: [1, 2\n",
            "a: 'x\n",
            "a: !!python/object x\n",
            "base: &b {a: 1}\nx:\n  <<: *b\n",
            "a: 1\nb: 2\na: 3\n",
            "? [a]\n: 1\n",
            ": 1\n",
            "a: .inf\n",
            "a: &x [*x]\n",
            "a: *nothing\n",
            "just text\n",
            "- a\n- b\n",
            "{\"document\": {\"dsl\": 1.0,}\n",
        ],
    );
}

#[test]
fn document() {
    check(
        "document",
        &[
            "do: []\n",
            "dcoument: {}\ndocument: {dsl: 1.0, namespace: Ä, name: a_b, version: 1}\ndo: [{a: {set: {a: 1}}}]\noutputs: {}\n",
            "document: {dsl: '2.0.0', namespace: a, name: b, version: '01.0.0', titel: x}\ndo: [{a: {set: {a: 1}}}]\n",
            "document: {dsl: 1.0.3, namespace: a, name: b, version: 1.0.0, metadata: {keyway: {retentionDay: 3}}}\ndo: [{a: {set: {a: 1}}}]\n",
            "evaluate: {mode: loose, language: javascript}\ndo: [{a: {set: {a: 1}}}]\n",
            "document:\n  dsl: 1.0.3\n  namespace: a\n  name: b\n  version: 1.0.0\n  metadata:\n    keyway:\n      timeZone: Europe/Berlim\n      retentionDays: 0\n      overlap: never\n      webhooks:\n        Hr: {authentication: none}\n        open: {authentication: public, wait: PT10M}\n        signed: {authentication: {signature: [hook-secret]}}\ndo: [{a: {set: {a: 1}}}]\n",
        ],
    );
}

#[test]
fn tasks() {
    check(
        "tasks",
        &[
            "do: []\n",
            "do:\n  - block:\n      try: [{a: {set: {x: 1}}}]\n      catchh: {}\n",
            "do:\n  - a: {stt: {x: 1}}\n  - b: {set: {x: 1}, call: http}\n  - c: {}\n  - d: 7\n  - {e: {set: {x: 1}}, f: {set: {x: 1}}}\n",
            "do:\n  - a: {set: {x: 1}}\n  - a: {set: {x: 1}}\n  - '': {set: {x: 1}}\n  - end: {set: {x: 1}}\n  - \"x\\ny\": {set: {x: 1}}\n  - ../../x: {set: {x: 1}}\n",
            "do:\n  - a:\n      set: {x: 1}\n      then: c\n  - b:\n      do:\n        - inner:\n            set: {x: 1}\n            then: a\n",
            "do:\n  - a: {set: {x: 1}, then: end}\n  - b: {set: {x: 1}, then: b}\n",
            "do:\n  - start: {set: {x: 1}}\n  - a: {set: {x: 1}}\n  - b: {do: [{c: {set: {x: 1}, then: exit}}], then: a}\n",
            "do:\n  - a: {set: {x: 1}}\n  - b: {do: [{c: {wait: PT1S}}], then: a}\n",
            "do:\n  - a: {set: {x: 1}, if: .x}\n  - b: {set: {x: 1}, then: a}\n",
            "do:\n  - a: {do: [{c: {set: {x: 1}, if: .x, then: end}}]}\n  - b: {set: {x: 1}, then: a}\n",
            "do:\n  - a:\n      switch:\n        - one: {when: .x, then: end}\n        - two: {then: exit}\n        - three: {then: continue}\n        - two: {when: .y}\n",
            "do:\n  - a:\n      for: {each: $x, in: .list, at: input}\n      do: [{b: {set: {x: '${ $x }'}}}]\n  - b:\n      for: {each: i, in: '${ .list }', at: i}\n      whille: .go\n      do: [{b: {set: {x: '${ $i }'}}}]\n",
            "do:\n  - a:\n      fork:\n        compete: yes\n        branches:\n          - one: {set: {x: 1}, then: two}\n          - two: {set: {x: 1}}\n",
            "do:\n  - a: {set: .x}\n  - b: {set: {}}\n  - c: {wait: P1M}\n  - d: {wait: {minute: 1}}\n  - e: {wait: {seconds: 1.5}}\n  - f: {wait: 5m}\n",
            "do:\n  - a:\n      run: {script: {language: js, code: '1'}}\n  - b:\n      run: {workflow: {namespace: a, name: b}, return: all}\n  - c:\n      run: {await: true}\n",
        ],
    );
}

#[test]
fn expressions() {
    check(
        "expressions",
        &[
            "do:\n  - a:\n      if: .x ==\n      set:\n        y: ${ .a | unknwn }\n        z: ${ $itm }\n",
            "do:\n  - a:\n      set:\n        text: |\n          ${\n            .a\n              + $nobody\n          }\n        quoted: \"${ \\\"é\\\" + $nobody }\"\n        single: '${ ''x'' + $nobody }'\n",
            "do:\n  - a:\n      set:\n        x: Hi ${ .name }\n        y: ${ .a } and ${ .b }\n        z: ${ env }\n",
            "input: {from: '${ $context }'}\noutput: {as: $task.name}\ndo:\n  - a:\n      if: $input.x\n      input: {from: $output}\n      set: {x: '${ $output }'}\n      output: {as: '{a: $output}'}\n      export: {as: '$context + {a: $output}'}\n",
            "do:\n  - a:\n      for: {in: .list}\n      do:\n        - b: {set: {x: '${ $item + $index }'}}\n      output: {as: $item}\n  - c:\n      set: {x: '${ $item }'}\n",
            "do:\n  - a:\n      try: [{b: {set: {x: '${ $err }'}}}]\n      catch:\n        as: err\n        when: $err.status == 500\n        do: [{c: {set: {x: '${ $err }'}}}]\n  - d: {set: {x: '${ $err }'}}\n",
            "use: {secrets: [key]}\ndo:\n  - a:\n      set: {x: '${ $secrets.key }', y: '${ $secrets.other }'}\n  - b:\n      call: http\n      with: {method: get, endpoint: 'https://api.contoso.example', query: {k: '${ $secrets.key }', o: '${ $secrets[\"other\"] }'}}\n",
        ],
    );
}

#[test]
fn calls() {
    check(
        "calls",
        &[
            "do:\n  - a: {call: htpp, with: {}}\n  - b: {call: http}\n  - c: {call: http, with: {methd: get, endpoint: 'ftp://contoso.example'}}\n",
            "do:\n  - a:\n      call: http\n      with:\n        method: get it\n        endpoint: /users\n        headers: {Authorization: x, Content-Length: 1, 'bad name': x, x-api-key: abc, Two: \"a\\r\\nb\"}\n        query: {a: {b: 1}, list: [1, 2]}\n        output: json\n",
            "do:\n  - a: {call: http, with: {method: get, endpoint: 'https://{host}/x'}}\n  - b: {call: http, with: {method: get, endpoint: 'https://user:pw@contoso.example/'}}\n  - c: {call: http, with: {method: get, endpoint: 'https://contoso.example/{?x}'}}\n  - d: {call: http, with: {method: get, endpoint: 'https://contoso.example/${ .x }'}}\n  - e: {call: http, with: {method: trace, endpoint: {uri: 'https://contoso.example/', authentification: {}}}}\n",
            "use:\n  secrets: [graph, graph]\n  authentications:\n    graph: {oauth2: {use: graph}}\n    other: {oauth2: {use: grpah}}\n    two: {basic: {use: graph}, bearer: {use: graph}}\ndo:\n  - a: {call: http, with: {method: get, endpoint: {uri: /users, authentication: {use: graph}}}}\n  - b: {call: http, with: {method: get, endpoint: {uri: /users, authentication: {use: gaph}}}}\n  - c: {call: http, with: {method: get, endpoint: {uri: /users, authentication: {oauth2: {use: nobody}}}}}\n",
            "do:\n  - a:\n      call: http\n      with:\n        method: get\n        endpoint:\n          uri: https://api.contoso.example/\n          authentication:\n            oauth2: {authority: 'https://login.contoso.example', grant: password, client: {id: a, secret: not-a-real-secret}}\n  - b: {call: http, with: {method: get, endpoint: {uri: 'https://api.contoso.example', authentication: {oauth2: {}}}}}\n  - c: {call: http, with: {method: get, endpoint: {uri: 'https://api.contoso.example', authentication: {basic: {username: a}}}}}\n",
            "use:\n  functions:\n    http: {set: {x: 1}}\n    a: {call: b}\n    b: {call: a}\n    c: {set: {x: 1}, then: nowhere}\n  catalogs: {x: {endpoint: 'https://contoso.example'}}\ndo:\n  - a: {call: a}\n  - b: {call: 'x:1.0.0@catalog'}\n  - c: {call: 'https://contoso.example/function.yaml'}\n  - d: {call: grpc, with: {}}\n",
            "do:\n  - a: {call: page, with: {endpoint: 'https://contoso.example/{x}', style: odta, maxItems: 0}}\n  - b: {call: approve, with: {message: x}}\n  - c: {call: table-put, with: {table: T, key: k, valeu: 1}}\n  - d: {call: respond}\n",
            "do:\n  - a: {call: respond, with: {status: 204, body: gone}}\n  - b: {call: respond, with: {status: 304, body: {a: '${ .x }'}}}\n  - c: {call: respond, with: {status: 205, body: ''}}\n  - d: {call: respond, with: {status: 204, body: '${ .x }'}}\n  - e: {call: respond, with: {status: '${ .s }', body: x}}\n",
            "do:\n  - a: {call: http, with: {method: post, endpoint: 'https://contoso.example'}, metadata: {keyway: {onOutcomeUnknown: retyr}}}\n  - b: {set: {x: 1}, metadata: {keyway: {onOutcomeUnknown: retry}}}\n",
        ],
    );
}

#[test]
fn faults_and_time() {
    check(
        "faults_and_time",
        &[
            "do:\n  - a:\n      try: [{b: {set: {x: 1}}}]\n      catch:\n        errors: {with: {status: '404', code: x}}\n        retry: {delay: {second: 1}, backoff: {exponential: {factor: 2}}}\n",
            "do:\n  - a:\n      try: [{b: {set: {x: 1}}}]\n      catch: {errors: {with: {}}, retry: defualt}\n  - b: {try: [{c: {set: {x: 1}}}]}\nuse:\n  retries:\n    default: {limit: {attempt: {count: -1}}, jitter: {from: PT2S, to: PT1S}}\n",
            "do:\n  - a: {raise: {error: nobody}}\n  - b: {raise: {error: {type: not-a-uri, status: 4000, titel: x}}}\n  - c: {raise: {error: {status: '400'}}}\n",
            "timeout: PT5S\ndo:\n  - a: {set: {x: 1}, timeout: {after: PT0S}}\n  - b: {set: {x: 1}, timeout: short}\nuse: {timeouts: {shrt: {after: PT1S}}}\n",
            "schedule: {cron: '* * * * * *'}\ndo: [{a: {set: {x: 1}}}]\n",
            "schedule: {after: PT9S}\ndo: [{a: {set: {x: 1}}}]\n",
            "schedule: {cron: '0 0 30 2 *', every: PT5S, after: '${ .x }'}\ndo: [{a: {set: {x: 1}}}]\n",
            "schedule: {}\ndo: [{a: {set: {x: 1}}}]\n",
            "schedule:\n  on:\n    any:\n      - with: {type: com.contoso.u}\n    until: 'def f(x): f(x|x); f(.)'\ndo: [{a: {set: {x: 1}}}]\n",
            "schedule:\n  on:\n    all:\n      - with: {data: '${ first(limit(3; .items[])) == 1 }'}\n        correlate: {order: {from: 'reduce .data[] as $x (0; . + $x)', expect: '${ 1 + 1 }'}}\ndo: [{a: {set: {x: 1}}}]\n",
        ],
    );
}

#[test]
fn events_and_data() {
    check(
        "events_and_data",
        &[
            "do:\n  - a: {listen: {to: {one: {with: {}}}}}\n  - b: {listen: {to: {all: [], any: []}}}\n  - c: {listen: {to: {one: {with: {type: x}}, until: .y}, read: text}}\n  - d: {listen: {to: {any: [], until: {any: [], until: '.x'}}}}\n",
            "do:\n  - a: {listen: {to: {one: {with: {source: nowhere, data: {a: '${ .x }'}, type: '${ $context.x }'}, correlate: {order: {form: .x}}}}}}\n",
            "do:\n  - a: {listen: {to: {one: {with: {type: x, data: '${ first(limit(3; .items[])) == 1 }'}, correlate: {o: {from: '[range(9)]', expect: '${ [range(9)] }'}}}}}}\n  - b: {listen: {to: {any: [], until: '[range(9)] == .'}}}\n",
            "do:\n  - a: {emit: {event: {with: {type: x}}}}\n  - b: {emit: {event: {with: {source: x, type: y, time: now, MyAttribute: 1}, extra: 1}}}\n",
            "input: {schema: {document: {type: strng}}}\ndo:\n  - a:\n      set: {x: 1}\n      input: {form: .x, schema: {format: avro, document: {}}}\n      output: {schema: {resource: {endpoint: 'https://contoso.example/s.json'}}, as: 7}\n      export: {schema: {document: {$ref: 'https://contoso.example/s.json'}}}\n",
            "do:\n  - a: {set: {token: ghp_0000000000fakefakefake}}\n",
        ],
    );
}
