//! Random flows, from a list of choices: every kind of task, at most 20 of them. No choices left means the simplest flow.

use serde_json::{Map, Value, json};

/// How much a flow may depend on what comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Races, timeouts, faults and listeners too.
    Matters,
    /// The outcome is the same in whatever order the answers come.
    IsNoMatter,
}

/// A list of choices that is read once.
pub(crate) struct Choices<'a> {
    list: &'a [u16],
    at: usize,
}

impl Choices<'_> {
    pub(crate) fn new(list: &[u16]) -> Choices<'_> {
        Choices { list, at: 0 }
    }

    /// A number below `limit`; 0 once all choices are made.
    pub(crate) fn next(&mut self, limit: usize) -> usize {
        let choice = self.list.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(choice) % limit
    }

    pub(crate) fn one_in(&mut self, number: usize) -> bool {
        self.next(number) == number - 1
    }
}

/// A flow as text.
pub(crate) fn flow(choices: &mut Choices<'_>, order: Order) -> String {
    let mut maker = Maker {
        choices,
        order,
        left: 20,
        names: 0,
    };
    let function = maker.leaf();
    let mut definition = json!({
        "document": {"dsl": "1.0.3", "namespace": "test", "name": "random", "version": "1.0.0"},
        "use": {"functions": {"f": function}},
        "do": maker.block(0),
    });
    if order == Order::Matters && maker.choices.one_in(8) {
        definition["timeout"] = json!({"after": {"seconds": 30}});
    }
    if maker.choices.one_in(4) {
        definition["input"] = json!({"from": maker.pick(&[".", "{a: .}", "{n: [range(2)]}"])});
        definition["output"] = json!({"as": maker.expression()});
    }
    definition.to_string()
}

struct Maker<'a, 'b> {
    choices: &'a mut Choices<'b>,
    order: Order,
    left: usize,
    names: usize,
}

impl Maker<'_, '_> {
    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.choices.next(texts.len())]
    }

    fn free(&self) -> bool {
        self.order == Order::Matters
    }

    /// A bare expression that keeps data small.
    fn expression(&mut self) -> &'static str {
        let calm = [
            ".",
            "1",
            "{a: [1]}",
            "$context",
            "[range(2)]",
            "{c: [range(1)], d: 1}",
            "type",
            "$workflow.id",
            "[$runtime.name]",
        ];
        if self.free() && self.choices.one_in(12) {
            return self.pick(&[
                "error(\"e\")",
                ".a.b.c",
                "{a: 1} | .a.b",
                "[range(1)] | error(\"h\")",
            ]);
        }
        self.pick(&calm)
    }

    fn condition(&mut self) -> &'static str {
        if self.free() && self.choices.one_in(15) {
            return "error(\"c\")";
        }
        self.pick(&[
            "true",
            "type == \"object\"",
            "$context | length > 0",
            "[range(2)] | length == 2",
            "false",
            "[range(1)] | length == 2",
        ])
    }

    fn value(&mut self) -> Value {
        match self.choices.next(3) {
            0 => json!(format!("${{ {} }}", self.expression())),
            1 => json!({"k": format!("${{ {} }}", self.expression()), "n": 1}),
            _ => json!({"k": "${ [range(1)] }", "l": ["${ [range(2)] }", "${ 2 }"]}),
        }
    }

    fn duration(&mut self) -> Value {
        match self.choices.next(4) {
            0 => json!({"seconds": 1}),
            1 => json!("PT5S"),
            2 => json!("${ \"PT2S\" }"),
            _ => json!("${ [range(1)] | \"PT\\(length)S\" }"),
        }
    }

    fn block(&mut self, depth: usize) -> Value {
        let size = (1 + self.choices.next(3)).min(self.left.max(1));
        let names: Vec<String> = (0..size).map(|_| self.name()).collect();
        let mut block = Vec::with_capacity(size);
        for (index, name) in names.iter().enumerate() {
            let mut task = self.task(depth);
            match self.choices.next(12) {
                8 => task["then"] = json!("continue"),
                9 => task["then"] = json!("exit"),
                10 => task["then"] = json!("end"),
                11 if index + 1 < size => task["then"] = json!(names[size - 1]),
                _ => {}
            }
            block.push(json!({ name: task }));
        }
        Value::Array(block)
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("t{}", self.names)
    }

    fn task(&mut self, depth: usize) -> Value {
        self.left = self.left.saturating_sub(1);
        let deep = depth >= 3 || self.left == 0;
        let mut task = if deep || self.choices.next(3) == 0 {
            self.leaf()
        } else {
            self.container(depth)
        };
        if self.choices.one_in(6) {
            task["if"] = json!(self.condition());
        }
        if self.choices.one_in(6) {
            task["input"] = json!({"from": self.expression()});
        }
        if self.choices.one_in(5) {
            task["output"] = json!({"as": self.expression()});
        }
        if self.choices.one_in(4) {
            task["export"] = json!({"as": self.expression()});
        }
        if self.free() && self.choices.one_in(8) {
            task["timeout"] = json!({"after": self.duration()});
        }
        if self.free() && self.choices.one_in(20) {
            task["output"] = json!({"schema": {"document": {"type": "object"}}});
        }
        task
    }

    fn leaf(&mut self) -> Value {
        let kinds = if self.free() { 9 } else { 7 };
        match self.choices.next(kinds) {
            0 => json!({"set": self.value()}),
            1 => {
                json!({"call": "http", "with": {"method": "post", "endpoint": "https://contoso.example/x", "body": self.value()}})
            }
            2 => json!({"wait": self.duration()}),
            3 => {
                json!({"emit": {"event": {"with": {"source": "https://contoso.example", "type": "t", "time": "2026-01-01T00:00:00Z", "data": self.value()}}}})
            }
            4 => {
                json!({"run": {"workflow": {"namespace": "test", "name": "child", "version": "1.0.0", "input": {"v": self.value()}}}})
            }
            5 => {
                json!({"call": "page", "with": {"endpoint": "https://contoso.example/list", "collect": true}})
            }
            6 => {
                json!({"call": "openapi", "with": {"document": {"endpoint": "https://contoso.example/api"}, "operationId": "op", "parameters": {"v": self.value()}}})
            }
            7 => {
                json!({"raise": {"error": {"type": "https://contoso.example/e", "status": 500, "title": "${ \"title\" }"}}})
            }
            _ => self.listen(),
        }
    }

    fn listen(&mut self) -> Value {
        let filter = |r#type: &str| json!({"with": {"type": r#type}});
        let to = match self.choices.next(5) {
            0 => json!({"one": filter("a")}),
            1 => json!({"any": []}),
            2 => json!({"all": [filter("a"), filter("b")]}),
            3 => {
                json!({"any": [filter("a"), filter("b")], "until": self.pick(&["length >= 2", "[range(length)] | length >= 2"])})
            }
            _ => json!({"any": [filter("b")], "until": {"one": filter("c")}}),
        };
        let mut task =
            json!({"listen": {"to": to, "read": self.pick(&["data", "envelope", "raw"])}});
        if self.choices.one_in(2) {
            let leaf = json!({"set": self.value()});
            let pause = json!({"wait": self.duration()});
            task["foreach"] = json!({"item": "e", "at": "n", "do": [{self.name(): leaf}, {self.name(): pause}], "output": {"as": "[$n]"}, "export": {"as": "{n: $n}"}});
        }
        task
    }

    fn container(&mut self, depth: usize) -> Value {
        match self.choices.next(8) {
            0 => json!({"do": self.block(depth + 1)}),
            1 => {
                let mut task = json!({"for": {"each": "x", "in": self.pick(&["[1, 2]", "[]", "[range(3)]"])}, "do": self.block(depth + 1)});
                if self.choices.one_in(3) {
                    task["while"] =
                        json!(self.pick(&["$index < 1", "[range($index)] | length < 2"]));
                }
                task
            }
            2 => self.fork(depth),
            3 => self.trying(depth),
            4 => {
                json!({"switch": [{"one": {"when": self.condition(), "then": self.pick(&["continue", "exit", "end"])}}, {"two": {"when": self.condition(), "then": "continue"}}]})
            }
            5 => self.pages(depth),
            6 => json!({"call": "f", "with": {"v": self.value()}}),
            _ => self.jumps(),
        }
    }

    fn fork(&mut self, depth: usize) -> Value {
        let branches: Vec<Value> = (0..=self.choices.next(3))
            .map(|_| json!({self.name(): self.task(depth + 1)}))
            .collect();
        let compete = self.free() && self.choices.one_in(2);
        json!({"fork": {"compete": compete, "branches": branches}})
    }

    fn trying(&mut self, depth: usize) -> Value {
        let mut catch = Map::new();
        if self.choices.one_in(3) {
            catch.insert("errors".to_owned(), json!({"with": {"status": 503}}));
        }
        if self.choices.one_in(3) {
            catch.insert(
                "when".to_owned(),
                json!(self.pick(&["true", "$error.status > 400", "[range(1)] | length == 1"])),
            );
        }
        if self.choices.one_in(2) {
            let mut retry = json!({"limit": {"attempt": {"count": 2}}});
            if self.choices.one_in(2) {
                retry["delay"] = self.duration();
                retry["backoff"] = json!({self.pick(&["constant", "linear", "exponential"]): {}});
                retry["jitter"] = json!({"from": {"milliseconds": 1}, "to": {"milliseconds": 900}});
            }
            if self.free() && self.choices.one_in(3) {
                retry["limit"]["duration"] = json!({"seconds": 9});
                retry["limit"]["attempt"]["duration"] = json!({"seconds": 4});
            }
            catch.insert("retry".to_owned(), retry);
        }
        if self.choices.one_in(2) {
            catch.insert("do".to_owned(), self.block(depth + 1));
        }
        json!({"try": self.block(depth + 1), "catch": catch})
    }

    fn pages(&mut self, depth: usize) -> Value {
        let (list, each) = (self.name(), self.name());
        let most = 1 + self.choices.next(4);
        json!({"do": [
            {list: {"call": "page", "with": {"endpoint": "https://contoso.example/list", "maxItems": most}}},
            {each: {"for": {"in": "."}, "do": self.block(depth + 1)}},
        ]})
    }

    /// A jump back that comes to its end.
    fn jumps(&mut self) -> Value {
        let (one, two, three) = (self.name(), self.name(), self.name());
        let leaf = self.leaf();
        json!({"do": [
            {one.clone(): {"set": "${ . }", "export": {"as": "{n: (($context | if type == \"object\" then .n else null end | if type == \"number\" then . else 0 end) + 1)}"}}},
            {two: leaf},
            {three: {"switch": [{"again": {"when": "($context | type) == \"object\" and ($context.n | type) == \"number\" and $context.n < 3", "then": one}}]}},
        ]})
    }
}
