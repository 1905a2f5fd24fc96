//! The kind `label` (api.md 3.5): a word that tasks carry, with its colour. Tasks name their labels by name, not by id.

use super::kind::{Kind, Place, Type, fields};

pub static LABEL: Kind = Kind {
    name: "label",
    table: "labels",
    place: Place::Named(NAME),
    ends: "label",
    fields: &FIELDS,
    collection: "labels",
    unique: true,
    ..Kind::PLAIN
};

fields! {
    0 NAME "name" "name" "name" Type::Text, Whole, Filled;
    1 COLOR "color" "color" "color" Type::Text, Whole, Free;
    2 DESCRIPTION "description" "description" "description" Type::Text, Lines, Free;
}
