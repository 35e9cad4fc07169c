//! Printing and reading are inverse, on any tree that the grammar can say.

use crate::language::*;
use proptest::prelude::*;

fn expr(node: Node) -> Expr {
    Expr {
        node,
        span: Span::default(),
    }
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["ds", "np", "a", "t2m", "é", "x_1"]).prop_map(str::to_owned)
}

fn leaf() -> impl Strategy<Value = Expr> {
    let number = any::<f64>()
        .prop_map(f64::abs)
        .prop_filter("NaN", |value| !value.is_nan());
    prop_oneof![
        name().prop_map(Node::Name),
        any::<u64>().prop_map(|value| Node::Literal(Literal::Integer(value))),
        number
            .clone()
            .prop_map(|value| Node::Literal(Literal::Float(value))),
        number.prop_map(|value| Node::Literal(Literal::Imaginary(value))),
        any::<String>().prop_map(|text| Node::Literal(Literal::Text(text))),
        any::<bool>().prop_map(|value| Node::Literal(Literal::Bool(value))),
        Just(Node::Literal(Literal::None)),
        Just(Node::Literal(Literal::Ellipsis)),
    ]
    .prop_map(expr)
}

const UNARY: [UnaryOperator; 4] = [
    UnaryOperator::Negate,
    UnaryOperator::Plus,
    UnaryOperator::Invert,
    UnaryOperator::Not,
];

const BINARY: [&str; 21] = [
    "or", "and", "==", "!=", "<", "<=", ">", ">=", "|", "^", "&", "<<", ">>", "+", "-", "*", "/",
    "//", "%", "@", "**",
];

fn binary(symbol: &str, left: Expr, right: Expr) -> Expr {
    expr(Node::Binary {
        operator: BinaryOperator::from_symbol(symbol).unwrap(),
        operator_span: Span::default(),
        left: Box::new(left),
        right: Box::new(right),
    })
}

fn call(function: Expr, positional: Vec<Expr>, named: Vec<Expr>) -> Expr {
    let keywords = named
        .into_iter()
        .enumerate()
        .map(|(at, value)| Keyword {
            name: format!("k{at}"),
            name_span: Span::default(),
            value,
        })
        .collect();
    expr(Node::Call {
        function: Box::new(function),
        positional,
        keywords,
    })
}

fn slice(parts: [Option<Expr>; 3]) -> Expr {
    let [start, stop, step] = parts.map(|part| part.map(Box::new));
    expr(Node::Slice { start, stop, step })
}

pub(super) fn tree() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(6, 64, 4, |inner| {
        let items = || prop::collection::vec(inner.clone(), 0..3);
        let part = || prop::option::of(inner.clone());
        let subscript = prop_oneof![
            inner.clone(),
            (part(), part(), part()).prop_map(|(a, b, c)| slice([a, b, c])),
        ];
        let index = prop_oneof![
            subscript.clone(),
            prop::collection::vec(subscript, 1..3).prop_map(|items| expr(Node::Tuple(items))),
        ];
        prop_oneof![
            (0..4usize, inner.clone()).prop_map(|(at, operand)| expr(Node::Unary {
                operator: UNARY[at],
                operand: Box::new(operand)
            })),
            (0..21usize, inner.clone(), inner.clone())
                .prop_map(|(at, left, right)| binary(BINARY[at], left, right)),
            items().prop_map(|items| expr(Node::List(items))),
            items().prop_map(|items| expr(Node::Tuple(items))),
            prop::collection::vec((inner.clone(), inner.clone()), 0..3)
                .prop_map(|items| expr(Node::Dict(items))),
            (inner.clone(), name()).prop_map(|(object, name)| expr(Node::Attribute {
                object: Box::new(object),
                name,
                name_span: Span::default()
            })),
            (inner.clone(), items(), items()).prop_map(|(f, args, named)| call(f, args, named)),
            (inner.clone(), index).prop_map(|(object, index)| expr(Node::Index {
                object: Box::new(object),
                index: Box::new(index)
            })),
        ]
    })
}

proptest! {
    #[test]
    fn printed_trees_read_back_the_same(first in tree(), result in tree()) {
        let assignment =
            Assignment { name: "x".into(), name_span: Span::default(), value: first };
        let program = Program { assignments: vec![assignment], result };
        let source = program.to_source();
        let read = parse(&source);
        prop_assert!(read.is_ok(), "{source}\n{read:?}");
        prop_assert_eq!(read?.without_spans(), program, "{}", source);
    }
}
