//! `craton help`.

use crate::outcome::craton;

#[test]
fn help_expr_explains_a_method() {
    let text = craton(&["help", "expr", "Dataset.rename"]).good();
    assert!(
        text.starts_with("Dataset.rename(name_dict=None, **names)\n"),
        "{text}"
    );
    let text = craton(&["help", "expr"]).good();
    assert!(text.contains("\nGroupBy\n"), "{text}");
}

#[test]
fn help_on_a_command_is_that_of_its_flag() {
    let text = craton(&["help", "eval"]).good();
    assert!(text.contains("--max-read"), "{text}");
    assert!(craton(&["help"]).good().contains("help"), "the overview");
}

#[test]
fn help_on_nothing_known_names_the_way() {
    craton(&["help", "expr", "maen"])
        .bad(2)
        .contains("did you mean `mean`?");
    craton(&["help", "evil"]).bad(2);
}
