//! Attributes that name other variables.

use super::{Context, Subject, dims_of};

pub(super) fn of_variable(context: &mut Context<'_>, variable: &Subject<'_>) {
    coordinates(context, variable);
    for attribute in ["bounds", "climatology"] {
        bounds(context, variable, attribute);
    }
    for attribute in [
        "ancillary_variables",
        "grid_mapping",
        "cell_measures",
        "formula_terms",
    ] {
        others(context, variable, attribute);
    }
}

/// Whether `name` can be found here, in this group or, as a path, elsewhere.
fn exists(context: &Context<'_>, name: &str) -> bool {
    name.contains('/')
        || context.group.arrays.contains_key(name)
        || context.group.broken.contains_key(name)
}

fn near(context: &Context<'_>, name: &str) -> String {
    let names = context.group.arrays.keys().map(String::as_str);
    crate::language::did_you_mean(name, names)
        .unwrap_or_else(|| "add the variable, or leave the name out".to_owned())
}

fn coordinates(context: &mut Context<'_>, variable: &Subject<'_>) {
    let Some(names) = variable.text("coordinates") else {
        return;
    };
    for name in names.split_whitespace() {
        if !exists(context, name) {
            let message = format!("`coordinates` names `{name}`, which does not exist");
            let hint = near(context, name);
            context.error("coordinates", variable.name, message, &hint);
            continue;
        }
        let Some(source) = context.group.arrays.get(name) else {
            continue;
        };
        let meta = source.meta();
        // The last dimension of characters is no dimension of labels.
        let mut dims = dims_of(meta);
        if meta.dtype == craton_core::DType::FixedBytes(1) {
            dims.pop();
        }
        if let Some(dim) = dims.into_iter().find(|dim| !variable.dims.contains(dim)) {
            let message =
                format!("coordinate `{name}` has dimension `{dim}`, the variable has not");
            let hint = "a coordinate lies along dimensions of its variable; leave its name out of `coordinates`";
            context.error("coordinates", variable.name, message, hint);
        }
    }
}

fn bounds(context: &mut Context<'_>, variable: &Subject<'_>, attribute: &str) {
    let Some(name) = variable.text(attribute).map(str::to_owned) else {
        return;
    };
    let Some(source) = context.group.arrays.get(&name).cloned() else {
        if !exists(context, &name) {
            let message = format!("`{attribute}` names `{name}`, which does not exist");
            let hint = near(context, &name);
            context.error("bounds", variable.name, message, &hint);
        }
        return;
    };
    let dims = dims_of(source.meta());
    let fits = dims.len() == variable.dims.len() + 1 && dims.starts_with(&variable.dims);
    if !fits {
        let message = format!(
            "bounds `{name}` lie along ({}), `{}` along ({})",
            dims.join(", "),
            variable.name,
            variable.dims.join(", ")
        );
        let hint = "bounds have the dimensions of what they bound, and one more for the corners";
        context.error("bounds", variable.name, message, hint);
        return;
    }
    let corners = source.meta().shape.last().copied().unwrap_or(0);
    if variable.dims.len() <= 1 && corners != 2 {
        let message = format!("bounds `{name}` have {corners} corners along one dimension");
        context.error(
            "bounds",
            variable.name,
            message,
            "a cell of one dimension has 2",
        );
    }
    for inherited in ["units", "calendar", "standard_name", "axis", "positive"] {
        let theirs = source.meta().attributes.get(inherited);
        let own = variable.meta.attributes.get(inherited);
        if theirs.is_some() && theirs != own {
            let message = format!(
                "bounds `{name}` have another `{inherited}` than `{}`",
                variable.name
            );
            let hint = "remove it from the bounds: they have the attributes of what they bound";
            context.error("bounds", variable.name, message, hint);
        }
    }
}

fn others(context: &mut Context<'_>, variable: &Subject<'_>, attribute: &str) {
    let Some(text) = variable.text(attribute).map(str::to_owned) else {
        return;
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    // `area: areacella` and `a: a b: b` have keys; a mapping may have its own with coordinates behind it.
    let is_keyed = words.iter().any(|word| word.ends_with(':'));
    let names = words.iter().filter(|word| match attribute {
        "grid_mapping" => !is_keyed || word.ends_with(':'),
        _ => !word.ends_with(':'),
    });
    for name in names.map(|word| word.trim_end_matches(':')) {
        // Areas and volumes may lie in a file beside this one.
        let is_external = attribute == "cell_measures"
            && context
                .group
                .attributes
                .get("external_variables")
                .and_then(|value| value.as_text())
                .is_some_and(|external| external.split_whitespace().any(|other| other == name));
        if !exists(context, name) && !is_external {
            let message = format!("`{attribute}` names `{name}`, which does not exist");
            let hint = match attribute {
                "cell_measures" => {
                    "add the variable, or name it in the attribute `external_variables`".to_owned()
                }
                _ => near(context, name),
            };
            context.error("references", variable.name, message, &hint);
        }
    }
}
