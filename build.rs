//! Writes the tables of `src/model/normal_form.rs`, from those of the crate unicode-normalization. The program has them
//! without the compatibility forms, which are most of the crate's and which nothing here compares.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};

/// Hangul syllables are computed, not looked up.
const HANGUL: std::ops::RangeInclusive<char> = '\u{ac00}'..='\u{d7a3}';

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let parts = |of: char| {
        let mut parts = Vec::new();
        decompose_canonical(of, |part| parts.push(part));
        parts
    };
    // Of several with the same parts the first is the composed form; the others are only taken apart.
    let whole: BTreeMap<Vec<char>, char> =
        ('\u{80}'..=char::MAX).rev().filter(|c| !HANGUL.contains(c)).map(|c| (parts(c), c)).collect();
    let (mut single, mut pairs) = (Vec::new(), Vec::new());
    for c in ('\u{80}'..=char::MAX).filter(|c| !HANGUL.contains(c)) {
        match parts(c).as_slice() {
            [one] if *one == c => {}
            [one] => single.push((c, *one)),
            [first, second] => pairs.push((c, *first, *second)),
            [first @ .., second] => pairs.push((c, whole[first], *second)),
            [] => panic!("{c:?} has no decomposition, not even itself"),
        }
    }
    let mut composed: Vec<usize> = (0..pairs.len()).filter(|at| is_composed(pairs[*at])).collect();
    composed.sort_by_key(|at| (pairs[*at].1, pairs[*at].2));
    let marks: Vec<char> = ('\0'..=char::MAX).filter(|c| canonical_combining_class(*c) > 0).collect();
    let classes: Vec<u8> = marks.iter().map(|c| canonical_combining_class(*c)).collect();

    let mut tables = String::new();
    table(&mut tables, "SINGLE", "(char, char)", &single);
    table(&mut tables, "PAIRS", "(char, char, char)", &pairs);
    table(&mut tables, "COMPOSED", "u16", &composed);
    table(&mut tables, "MARKS", "char", &marks);
    table(&mut tables, "CLASSES", "u8", &classes);
    let folder = std::env::var("OUT_DIR").expect("cargo names the folder");
    std::fs::write(format!("{folder}/normal_form.rs"), tables).expect("the folder can be written to");
}

/// Some characters are only taken apart.
fn is_composed((whole, first, second): (char, char, char)) -> bool {
    compose(first, second) == Some(whole)
}

fn table<T: Debug>(to: &mut String, name: &str, of: &str, rows: &[T]) {
    writeln!(to, "static {name}: [{of}; {}] = {rows:?};", rows.len()).expect("a string takes everything");
}
