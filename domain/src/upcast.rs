//! Old event shapes, lifted on read by pure, append-only steps. A stored event is never rewritten.

use serde_json::{Map, Value};

pub(crate) type Object = Map<String, Value>;
/// (wire name, version it lifts from, step to the next version).
pub(crate) type Upcast = (&'static str, u16, fn(Object) -> Object);

/// Every step ever needed, oldest first. Empty while every event is in its first version.
pub(crate) const UPCASTS: &[Upcast] = &[];

/// Applies the steps from `version` up to `current`, one at a time. A version without a step kept its shape.
pub(crate) fn lift(steps: &[Upcast], kind: &str, version: u16, current: u16, object: Object) -> Object {
    (version..current).fold(object, |object, from| {
        match steps.iter().find(|step| step.0 == kind && step.1 == from) {
            Some((_, _, step)) => step(object),
            None => object,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_apply_one_after_the_other_from_the_stored_version() {
        fn mark(mut object: Object, key: &str) -> Object {
            object.insert(key.to_owned(), Value::Bool(true));
            object
        }
        let steps: &[Upcast] = &[
            ("thing.done", 1, |object| mark(object, "one")),
            ("thing.done", 2, |object| mark(object, "two")),
            ("other.done", 2, |object| mark(object, "other")),
        ];
        let keys = |version| {
            lift(steps, "thing.done", version, 3, Object::new())
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(1), ["one", "two"]);
        assert_eq!(keys(2), ["two"]);
        assert!(keys(3).is_empty());
    }
}
