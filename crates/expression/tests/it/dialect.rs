//! What programs answer.

use expression::{Limits, compile};
use serde_json::{Value, json};

pub(crate) fn eval(source: &str, input: &Value) -> Result<Value, String> {
    let program = compile(source, &[])
        .map_err(|error| format!("{}: {} ({:?})", error.code, error.message, error.hint))?;
    program
        .evaluate(input, &[], &Limits::default())
        .map_err(|error| format!("{}: {error}", error.code()))
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "tables read better without ampersands"
)]
fn check(source: &str, input: Value, expected: Value) {
    assert_eq!(eval(source, &input), Ok(expected), "{source} on {input}");
}

#[test]
fn missing_parts_read_as_null_and_are_made_by_writing() {
    check(".a.b.c", json!({}), json!(null));
    check(".a.b = 1", json!({}), json!({"a": {"b": 1}}));
    check(".a = 1", json!(null), json!({"a": 1}));
    check(".[2] = 1", json!([]), json!([null, null, 1]));
    check(
        "setpath([\"a\", 0, \"b\"]; 1)",
        json!(null),
        json!({"a": [{"b": 1}]}),
    );
    check(".a += 1", json!({"a": 1}), json!({"a": 2}));
    check(".a |= (. // 0) + 1", json!({}), json!({"a": 1}));
    check(".a //= 5", json!({"a": null}), json!({"a": 5}));
    check(
        "del(.b)",
        json!({"a": 1, "b": 2, "c": 3, "d": 4}),
        json!({"a": 1, "c": 3, "d": 4}),
    );
    check("del(.[0, 2])", json!([1, 2, 3, 4]), json!([2, 4]));
    check(
        "to_entries",
        json!({"a": 1}),
        json!([{"key": "a", "value": 1}]),
    );
}

#[test]
fn keys_keep_their_order_and_integers_are_exact() {
    let input: Value = serde_json::from_str(
        r#"{"z":9007199254740993,"a":18446744073709551615,"m":-9223372036854775808}"#,
    )
    .unwrap();
    let answer = eval("{z, a, m, sum: (.z + 1)}", &input).unwrap();
    assert_eq!(
        answer.to_string(),
        r#"{"z":9007199254740993,"a":18446744073709551615,"m":-9223372036854775808,"sum":9007199254740994}"#
    );
    check(
        "del(.b) | keys_unsorted",
        json!({"z": 1, "b": 2, "y": 3, "a": 4}),
        json!(["z", "y", "a"]),
    );
    check(
        "7 / 2, 6 / 2, 1e3, 5 % 3, -5 % 3, 1.5 + 1.5",
        json!(null),
        json!([3.5, 3, 1000.0, 2, -2, 3]),
    );
}

#[test]
fn numbers_at_their_edges() {
    for (source, input, expected) in [
        ("-0, -.n", json!({"n": 0}), "[-0.0,-0.0]"),
        (".n", json!({"n": -0.0}), "-0.0"),
        ("-0 == 0", json!(null), "true"),
        ("1e308 * 10 > 1e308", json!(null), "true"),
        (
            "18446744073709551615 + 1",
            json!(null),
            "1.8446744073709552e+19",
        ),
        (
            "-9223372036854775808 - 1",
            json!(null),
            "-9.223372036854776e+18",
        ),
    ] {
        let answer = eval(source, &input).map(|value| value.to_string());
        assert_eq!(answer.as_deref(), Ok(expected), "{source}");
    }
    // What JSON can't say is no answer, and never a null that nobody asked for.
    for (source, code) in [
        ("1e308 * 10", "expr.unrepresentable: "),
        ("-1e308 * 10", "expr.unrepresentable: "),
        ("[{a: (infinite - infinite)}]", "expr.unrepresentable: "),
        ("1 / 0", "expr.raised: "),
        ("1 % 0", "expr.raised: "),
        ("0 / 0", "expr.raised: "),
    ] {
        let refused = eval(source, &json!(null)).unwrap_err();
        assert!(refused.starts_with(code), "{source}: {refused}");
    }
}

#[test]
fn several_outputs_are_an_array_and_none_is_null() {
    check("empty", json!(1), json!(null));
    check(".[]", json!([1]), json!(1));
    check(".[]", json!([1, 2]), json!([1, 2]));
    check("1, empty, 2", json!(null), json!([1, 2]));
    check("{a: empty}", json!(null), json!(null));
    check("[empty]", json!(null), json!([]));
    check("if empty then 1 else 2 end", json!(null), json!(null));
    assert_eq!(
        eval("error(null)", &json!(1)),
        Err("expr.raised: null".to_owned())
    );
    check("try error(null) catch [.]", json!(1), json!([null]));
}

#[test]
fn functions_of_the_library() {
    check(
        "map(select(.a > 1) | .a)",
        json!([{"a": 1}, {"a": 2}]),
        json!([2]),
    );
    check(
        "group_by(.k) | map(length)",
        json!([{"k": 1}, {"k": 2}, {"k": 1}]),
        json!([2, 1]),
    );
    check("\"a\\(.x)b\"", json!({"x": [1, "y"]}), json!("a[1,\"y\"]b"));
    check(
        "[.[] | tostring | ascii_downcase]",
        json!([1, "A", null]),
        json!(["1", "a", "null"]),
    );
    check(
        "@csv, @tsv, @sh",
        json!([1, "a\"b", null]),
        json!(["1,\"a\"\"b\",", "1\ta\"b\t", "1 'a\"b' null"]),
    );
    check(
        "@base64 \"x\\(.)\", (@base64 | @base64d), @base32, (@base32 | @base32d), @uri, @html",
        json!("<ü>"),
        json!([
            "xPMO8Pg==",
            "<ü>",
            "HTB3YPQ=",
            "<ü>",
            "%3C%C3%BC%3E",
            "&lt;ü&gt;"
        ]),
    );
    check(
        "[match(\"(?<n>b+)\"; \"g\") | [.offset, .length, .captures[0].name]]",
        json!("abbcb"),
        json!([[1, 2, "n"], [4, 1, "n"]]),
    );
    check(
        "gsub(\"(?<x>[a-z])\"; \"<\\(.x)>\"), sub(\"a\"; \"b\"), [scan(\"[a-z]\")]",
        json!("a1b"),
        json!(["<a>1<b>", "b1b", ["a", "b"]]),
    );
    check(
        "[paths], [leaf_paths], [tostream]",
        json!({"a": [1]}),
        json!([
            [["a"], ["a", 0]],
            [["a", 0]],
            [[["a", 0], 1], [["a", 0]], [["a"]]]
        ]),
    );
    check(
        "fromstream(tostream)",
        json!({"a": [1, {"b": 2}]}),
        json!({"a": [1, {"b": 2}]}),
    );
    check(
        "INDEX(.id), any(. == 1), IN(.[]; 2)",
        json!([{"id": 3}]),
        json!([{"3": {"id": 3}}, false, false]),
    );
    check(
        "walk(if type == \"number\" then . + 1 else . end)",
        json!([1, {"a": 2}]),
        json!([2, {"a": 3}]),
    );
    check(
        "with_entries(.value += 1)",
        json!({"a": 1}),
        json!({"a": 2}),
    );
}

#[test]
fn dates_paths_and_loops() {
    check(
        "flatten, add, min, max, unique, (sort | reverse)",
        json!([3, 1, 3]),
        json!([[3, 1, 3], 7, 1, 3, [1, 3], [3, 3, 1]]),
    );
    check(
        "strptime(\"%Y-%m-%dT%H:%M:%SZ\") | mktime",
        json!("2015-03-05T23:51:47Z"),
        json!(1_425_599_507),
    );
    check(
        "todate, (todate | fromdate)",
        json!(1_425_599_507),
        json!(["2015-03-05T23:51:47Z", 1_425_599_507]),
    );
    check(
        "first(.[] | select(. > 1)), ([limit(2; .[])]), isempty(empty), ([.[] | select(IN(1, 3))])",
        json!([1, 2, 3]),
        json!([2, [1, 2], true, [1, 3]]),
    );
    check(
        "pick(.a.b), getpath([\"a\", \"b\"]), [splits(\", *\")]?",
        json!({"a": {"b": 1, "c": 2}}),
        json!([{"a": {"b": 1}}, 1]),
    );
    check(
        "reduce .[] as [$a, $b] (0; . + $a * $b), [foreach .[] as [$a] (0; . + $a)], [range(3)], last(range(5))",
        json!([[1, 2], [3, 4]]),
        json!([14, [1, 4], [0, 1, 2], 4]),
    );
    check(
        "label $out | .[] | if . > 1 then break $out else . end",
        json!([1, 2, 3]),
        json!(1),
    );
    check(
        "try error({a: 1}) catch .a, (.a? // \"none\")",
        json!([]),
        json!([1, "none"]),
    );
}
