//! `confidence`: a value to a scale's label, and back.

use super::{Answer, Failure, Request};
use crate::confidence::Scale;

/// `{"scale","value"}` gives `label`; `{"scale","label"}` gives `value`.
pub(super) fn confidence(request: &Request<'_>) -> Result<Answer, Failure> {
    let name: String = request.field("scale")?;
    let scale: Scale = name.parse().map_err(Failure::refused)?;
    match request.optional::<String>("label")? {
        Some(label) => match scale.value(&label) {
            Some(value) => Ok(Answer::new().field("value", &value)),
            None => Err(Failure::refused(format!("the scale {name} gives this label no value"))),
        },
        None => match scale.label(request.field("value")?) {
            Some(label) => Ok(Answer::new().field("label", label)),
            None => Err(Failure::refused(
                "the scale has no label for this value; a confidence is 0 to 100",
            )),
        },
    }
}
