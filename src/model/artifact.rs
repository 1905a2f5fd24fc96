//! The kind `artifact` (api.md 3.8): a text that an attempt has left: a log, a diff. It is made and never changed; its content
//! is kept by the server, which gives it when it is asked for that alone.

use super::kind::{Kind, Place, Type, fields};
use super::{Row, Shape, Value, attempt};

/// Characters of the preview of one that is not on the server yet.
const PREVIEW: usize = 200;

pub static ARTIFACT: Kind = Kind {
    name: "artifact",
    table: "artifacts",
    place: Place::Below(ATTEMPT, "/"),
    ends: "artifact",
    fields: &FIELDS,
    defaults,
    collection: "artifacts",
    stands_alone: true,
    counted: Some(attempt::ARTIFACTS),
    shapes: &[Shape::Create],
    ..Kind::PLAIN
};

/// What the server makes of the content.
fn defaults(row: &mut Row) {
    let Some(content) = row.text(CONTENT) else { return };
    let (size, preview) = (content.len() as i64, content.chars().take(PREVIEW).collect());
    row.set(SIZE, Value::Int(size));
    row.set(PREVIEW_TEXT, Value::Text(preview));
}

fields! {
    0 NAME "name" "name" "name" Type::Text, Whole, Filled;
    1 TYPE "type" "type" "type" Type::Text, Whole, Filled;
    2 MIME_TYPE "mime_type" "mime_type" "media type" Type::Text, Whole, Filled;
    3 CONTENT "content" "content" "content" Type::Text, Lines, Unread;
    4 ATTEMPT "attempt_id" "attempt_id" "attempt" Type::Reference("attempt"), Whole, Placed;
    5 SIZE "size_bytes" "size_bytes" "size" Type::Int, Whole, Never;
    6 PREVIEW_TEXT "preview" "preview" "preview" Type::Text, Whole, Never;
    7 URI "uri" "uri" "address" Type::Text, Whole, Never;
}
