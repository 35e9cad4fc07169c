//! What the language accepts, refuses and prints; laws over generated trees and hostile text.

mod fuzz;
mod trees;

use super::*;
use craton_core::ErrorKind;

/// The text that a source parses to, with every group of operators in brackets.
fn grouped(source: &str) -> String {
    let program = parse(source).unwrap();
    show(&program.result)
}

fn show(expr: &Expr) -> String {
    match &expr.node {
        Node::Unary { operator, operand } => format!("({} {})", operator.symbol(), show(operand)),
        Node::Binary {
            operator,
            left,
            right,
            ..
        } => {
            format!("({} {} {})", show(left), operator.symbol(), show(right))
        }
        _ => expr.to_source(),
    }
}

fn round_trip(source: &str) -> String {
    parse(source).unwrap().to_source()
}

/// The message and the hint of the error that `source` gives.
fn refusal(source: &str) -> (String, String) {
    let error = parse(source).expect_err(source);
    assert_eq!(error.kind(), ErrorKind::Usage, "{source}");
    (
        error.message().to_owned(),
        error.hint_text().unwrap_or_default().to_owned(),
    )
}

#[track_caller]
fn refuses(source: &str, problem: &str, hint: &str) {
    let (message, found_hint) = refusal(source);
    assert!(message.contains(problem), "{source:?}: {message}");
    assert!(found_hint.contains(hint), "{source:?}: {found_hint}");
    assert!(
        message.contains('^') && message.contains("line"),
        "{message}"
    );
}

#[test]
fn operators_bind_as_in_python() {
    for (source, expected) in [
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a ** b ** c", "(a ** (b ** c))"),
        ("-a ** 2", "(- (a ** 2))"),
        ("2 ** -a", "(2 ** (- a))"),
        ("2 ** -a ** b", "(2 ** (- (a ** b)))"),
        ("-a * b", "((- a) * b)"),
        ("a * -b", "(a * (- b))"),
        ("~a & b", "((~ a) & b)"),
        ("a | b ^ c & d << e + f", "(a | (b ^ (c & (d << (e + f)))))"),
        ("not a == b and c or d", "(((not (a == b)) and c) or d)"),
        ("not not a", "(not (not a))"),
        ("a or b and not c", "(a or (b and (not c)))"),
        ("a // b % c @ d / e", "((((a // b) % c) @ d) / e)"),
        ("a < b + 1", "(a < (b + 1))"),
        ("(a < b) & (b < c)", "((a < b) & (b < c))"),
        ("(a < b) < c", "((a < b) < c)"),
        ("- - + ~a", "(- (- (+ (~ a))))"),
        ("a >> b << c", "((a >> b) << c)"),
        ("a != b | c", "(a != (b | c))"),
    ] {
        assert_eq!(grouped(source), expected, "{source}");
    }
}

#[test]
fn xarray_code_reads_and_prints() {
    for source in [
        "ds.t2m.sel(time=\"2000-01\", lat=slice(60, 30)).mean([\"lat\", \"lon\"])",
        "ds[\"t2m\"][..., 1:2, ::-1, 0]",
        "np.hypot(ds.u10, ds.v10)",
        "weights = np.cos(np.deg2rad(ds.lat))\nds.t2m.weighted(weights).mean((\"lat\", \"lon\"))",
        "ds.groupby(\"time.season\").mean(dim=...) - ds.mean(\"time\")",
        "xr.where((t > 0) & (t < 1), t, np.nan)",
        "ds.rename({\"t2m\": \"t\", \"u10\": \"u\"})[[\"t\"]]",
        "ds.coarsen(lat=2, boundary=\"trim\").mean()",
        "a[1:, :2, :, ::2, 1:2:3]",
        "a[1,]",
        "(a, )[0]".replace(", )", ",)").as_str(),
        "(1).real",
        "()",
        "{}",
        "f(x, y=1)(z)[0].a",
        "-1 + 2.0j",
        "slice(None, None, -1)",
    ] {
        assert_eq!(round_trip(source), source);
    }
}

#[test]
fn lines_comments_and_semicolons_separate_as_in_python() {
    let source = "# start\n\na = 1 ; b = 2  # two\r\nc = (a +  # in brackets\n  b)\n   d = a \\\n + c\nd;\n#end";
    assert_eq!(round_trip(source), "a = 1\nb = 2\nc = a + b\nd = a + c\nd");
    assert_eq!(round_trip("a = 1, 2\na, a"), "a = (1, 2)\n(a, a)");
}

#[test]
fn literals_are_pythons() {
    for (source, expected) in [
        ("0x1F", Literal::Integer(31)),
        ("0b1_01", Literal::Integer(5)),
        ("0o17", Literal::Integer(15)),
        ("1_000", Literal::Integer(1000)),
        ("18446744073709551615", Literal::Integer(u64::MAX)),
        ("00", Literal::Integer(0)),
        (".5", Literal::Float(0.5)),
        ("1.", Literal::Float(1.0)),
        ("1_0.5e-1_0", Literal::Float(10.5e-10)),
        ("1e999", Literal::Float(f64::INFINITY)),
        ("1.5e3J", Literal::Imaginary(1500.0)),
        ("07j", Literal::Imaginary(7.0)),
        ("'a\\'b' \"c\"", Literal::Text("a'bc".into())),
        (
            "\"\\x41\\u00e9\\U0001f30d\\101\\n\\\nz\"",
            Literal::Text("Aé🌍A\nz".into()),
        ),
        ("r'\\d\\''", Literal::Text("\\d\\'".into())),
        ("'''a\n\"b'''", Literal::Text("a\n\"b".into())),
        ("\"\"", Literal::Text(String::new())),
        ("None", Literal::None),
        ("True", Literal::Bool(true)),
        ("...", Literal::Ellipsis),
    ] {
        assert_eq!(
            parse(source).unwrap().result.node,
            Node::Literal(expected),
            "{source}"
        );
    }
}

#[test]
fn every_construct_left_out_is_named_with_its_way_out() {
    for (source, problem, hint) in [
        ("a < b < c", "chained comparison", "`(a < b) & (b < …)`"),
        ("a > 1 & b < 2", "chained comparison", "`(a > 1) & (b < …)`"),
        ("a if b else c", "conditional expression", "xr.where"),
        ("f(a if b else c)", "conditional expression", "xr.where"),
        ("lambda x: x", "lambda", "whole arrays"),
        ("f(lambda x: x)", "lambda", "whole arrays"),
        ("[x for x in y]", "comprehension", "whole arrays"),
        ("f(x for x in y)", "comprehension", "whole arrays"),
        ("{a: b for a in c}", "comprehension", "whole arrays"),
        ("{1, 2}", "set", "list"),
        ("import numpy as np\n1", "import", "already there"),
        ("from x import y", "import", "already there"),
        ("def f(x):\n  return x", "function definition", "name = …"),
        ("class A: pass", "class definition", ""),
        ("for x in y: x", "loop", "whole arrays"),
        ("while True: x", "loop", "whole arrays"),
        ("if a: b", "`if`", "xr.where"),
        ("with a as b: c", "`with`", ""),
        ("f'{x}'", "formatted string", "+"),
        ("rb'x'", "bytes string", "leave"),
        ("(x := 1)", "walrus", "name = value"),
        ("x := 1", "walrus", "name = value"),
        ("@d\na", "decorator", ""),
        ("a._b", "begin with `_`", "public"),
        ("a.__class__", "begin with `_`", "public"),
        ("__import__('os')", "begin with `__`", ""),
        ("f(*a)", "unpacking", "write"),
        ("f(**a)", "unpacking", "write"),
        ("[*a]", "unpacking", "write"),
        ("{**a}", "unpacking", "write"),
        ("x += 1\nx", "augmented assignment", "`x = x + …`"),
        ("x: int = 1", "type annotation", "name = value"),
        ("a = b = 1\na", "chained assignment", "line"),
        ("a, b = 1, 2\na", "several names", "line"),
        ("ds['a'] = 1\nds", "assignment to an item", ".assign"),
        ("ds.a = 1\nds", "assignment to an attribute", ".assign"),
        ("a in b", "`in`", "isin"),
        ("a not in b", "`not in`", "isin"),
        ("a is None", "`is`", "isnull"),
        ("a == not b", "`not` cannot", "(not x)"),
        ("a && b", "`&&`", "(a) & (b)"),
        ("!a", "`!`", "~x"),
        ("a ? b : c", "`?`", "xr.where"),
        ("“a”", "`“`", "straight"),
        ("a − b", "`−`", "minus"),
        ("a\n.b", "cannot begin with `.`", "brackets"),
        ("a\nb", "nothing uses", "name this value"),
        ("a = 1", "no answer", "`a`"),
        ("f(a=1, a=2)", "given twice", ""),
        ("f(a=1, 2)", "positional argument after", "name"),
        ("f(a b)", "expected `,` or `)`, found `b`", ""),
        ("(a", "`(` is never closed", ""),
        ("(a]", "does not close", ""),
        ("a)", "closes nothing", ""),
        ("'a", "never closed", ""),
        ("'a\n'", "not closed", "three quotes"),
        ("'''a", "never closed", ""),
        ("012", "leading zeros", "octal"),
        ("18446744073709551616", "too large", "float"),
        ("1abc", "malformed number", ""),
        ("1__0", "malformed number", ""),
        ("'\\d'", "unknown escape", "\\\\"),
        ("'\\ud800'", "no character", ""),
        ("a[]", "empty index", "[...]"),
        ("a.", "expected a name", ""),
        ("a.for", "keyword `for`", "[\"for\"]"),
        ("a +\nb", "the end of the line", "brackets"),
        ("f(a == 1) = 2\n1", "no name", ""),
        ("(a = 1)", "found `=`", "`==` compares"),
        ("True = 1\n2", "no name", ""),
        ("a $ b", "unexpected character `$`", ""),
        ("a \\ b", "`\\`", "last character"),
        ("print a", "expected an operator", ""),
        ("a <> b", "`<>`", "!="),
    ] {
        refuses(source, problem, hint);
    }
}

#[test]
fn an_empty_text_is_an_error() {
    for source in ["", "\n \n", "# only a comment", ";;"] {
        assert!(refusal(source).0.contains("empty"), "{source:?}");
    }
}

#[test]
fn an_error_points_at_the_place() {
    let (message, _) = refusal("a = ds.t2m\nb = a < 1 < 2\nb");
    assert_eq!(
        message,
        "chained comparison is not part of this language at line 2, column 11\n    \
         b = a < 1 < 2\n              ^"
    );
}

#[test]
fn limits_are_errors_not_crashes() {
    let deep = |open: &str, close: &str, count: usize| {
        format!("{}1{}", open.repeat(count), close.repeat(count))
    };
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("-", ""),
        ("not ", ""),
        ("f(", ")"),
        ("a[", "]"),
        ("2 **", ""),
    ] {
        parse(&deep(open, close, 30)).unwrap();
        refuses(&deep(open, close, 70), "nested more than 64 deep", "names");
        refuses(
            &deep(open, close, 9000),
            "nested more than 64 deep",
            "names",
        );
    }
    parse(&format!("a{}", " + a".repeat(200))).unwrap();
    refuses(
        &format!("a{}", " + a".repeat(5000)),
        "more than 256 operations",
        "names",
    );
    refuses(
        &format!("a{}", ".a".repeat(20_000)),
        "more than 256 operations",
        "names",
    );
    refuses(
        &format!("a{}", "()".repeat(20_000)),
        "more than 256 operations",
        "names",
    );
    let list = |count: usize| format!("[{}]", "1,".repeat(count));
    parse(&list(9_999)).unwrap();
    refuses(&list(10_000), "more than 10000 parts", "");
    assert!(
        refusal(&" ".repeat(MAX_SOURCE_BYTES + 1))
            .0
            .contains("too long")
    );
    assert!(
        refusal(&"(".repeat(MAX_SOURCE_BYTES))
            .0
            .contains("never closed")
    );
}

#[test]
fn spans_cover_their_text() {
    let source = "x = (a + b) * c\nf(x, k=x[1:2]).mean";
    let program = parse(source).unwrap();
    assert_eq!(
        program.assignments[0].value.span.text(source),
        "(a + b) * c"
    );
    assert_eq!(program.result.span.text(source), "f(x, k=x[1:2]).mean");
    let Node::Attribute {
        object, name_span, ..
    } = &program.result.node
    else {
        panic!()
    };
    assert_eq!(name_span.text(source), "mean");
    let Node::Call { keywords, .. } = &object.node else {
        panic!()
    };
    assert_eq!(keywords[0].value.span.text(source), "x[1:2]");
}
