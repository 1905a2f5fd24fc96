//! The encrypted file on a disk: what is refused stays as it is.

use std::os::unix::fs::{PermissionsExt, chown, symlink};

use super::*;
use crate::testing::Folder;
use crate::vars::Vars;

const ORIGIN: &str = "http://localhost:8000";

struct Home {
    _folder: Folder,
    vars: Vars,
    paths: Paths,
}

impl Home {
    fn new() -> Home {
        let folder = Folder::new();
        let vars = Vars { home: Some(folder.root().into()), ..Vars::default() };
        let paths = Paths::from_vars(&vars).unwrap();
        Home { _folder: folder, vars, paths }
    }

    fn get(&self, env: &str) -> Result<Vec<Stored>> {
        self.get_with(&self.vars, env)
    }

    fn get_with(&self, vars: &Vars, env: &str) -> Result<Vec<Stored>> {
        let keys = Keys::new(vars, &self.paths, None);
        FileStore::new(&self.paths, &keys).get(&name(env)).map_err(StoreError::into_error)
    }

    fn set(&self, env: &str, token: &str) -> Result<()> {
        self.set_with(&self.vars, env, token)
    }

    fn set_with(&self, vars: &Vars, env: &str, token: &str) -> Result<()> {
        let keys = Keys::new(vars, &self.paths, None);
        FileStore::new(&self.paths, &keys).put(&name(env), &[stored(token)]).map_err(StoreError::into_write_error)
    }

    fn file(&self, env: &str) -> std::path::PathBuf {
        self.paths.credential_file(&name(env))
    }

    /// Neither reading nor writing works, both say `why`, and the bytes stay.
    fn assert_refused(&self, vars: &Vars, why: &str) {
        let before = std::fs::read(self.file("dev")).unwrap_or_default();
        for error in [self.get_with(vars, "dev").unwrap_err(), self.set_with(vars, "dev", "new").unwrap_err()] {
            let shown = format!("{error} ({})", error.advice().unwrap_or_default());
            assert!(shown.contains(why), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
            assert_eq!(error.exit_code(), 4, "{shown}");
        }
        assert_eq!(std::fs::read(self.file("dev")).unwrap_or_default(), before);
    }
}

fn name(env: &str) -> EnvName {
    EnvName::parse(env).unwrap()
}

fn stored(token: &str) -> Stored {
    Stored { kind: Kind::AuthToken, secret: Secret::new(token), origin: Some(ORIGIN.into()) }
}

#[test]
fn what_was_set_comes_back_and_is_private() {
    let home = Home::new();
    assert_eq!(home.get("dev").unwrap(), []);
    home.set("dev", "anyt_canary").unwrap();
    home.set("dev", "anyt_canary\u{1F600}\"\\2").unwrap();
    assert_eq!(home.get("dev").unwrap(), [stored("anyt_canary\u{1F600}\"\\2")]);
    for (path, mode) in
        [(home.file("dev"), 0o600), (home.paths.key_file(), 0o600), (home.paths.credentials_dir(), 0o700)]
    {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
    assert!(!String::from_utf8_lossy(&std::fs::read(home.file("dev")).unwrap()).contains("canary"));
    let keys = Keys::new(&home.vars, &home.paths, None);
    let store = FileStore::new(&home.paths, &keys);
    assert!(store.delete_all(&name("dev")).unwrap());
    assert!(!store.delete_all(&name("dev")).unwrap());
    assert_eq!(home.get("dev").unwrap(), []);
}

#[test]
fn damage_is_refused_in_three_ways_and_left_alone() {
    let home = Home::new();
    home.set("dev", "anyt_canary").unwrap();
    let good = std::fs::read(home.file("dev")).unwrap();
    let write = |bytes: &[u8]| std::fs::write(home.file("dev"), bytes).unwrap();
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 0x41;
        write(&bad);
        let why = if index == 8 { "version 64" } else { "left alone" };
        home.assert_refused(&home.vars, why);
    }
    for length in 0..good.len() {
        write(&good[..length]);
        home.assert_refused(&home.vars, "is truncated");
    }
    write(&good);
    assert_eq!(home.get("dev").unwrap(), [stored("anyt_canary")]);
}

#[test]
fn a_file_cannot_be_moved_to_another_environment_or_origin() {
    let home = Home::new();
    home.set("dev", "anyt_canary1").unwrap();
    home.set("prod", "anyt_canary2").unwrap();
    let (dev, prod) = (std::fs::read(home.file("dev")).unwrap(), std::fs::read(home.file("prod")).unwrap());
    std::fs::write(home.file("dev"), &prod).unwrap();
    home.assert_refused(&home.vars, "the key is wrong or the file is damaged");
    let text = String::from_utf8_lossy(&dev).find(ORIGIN).is_some();
    assert!(text, "the origin is in the header");
    let at = dev.windows(ORIGIN.len()).position(|window| window == ORIGIN.as_bytes()).unwrap();
    let mut elsewhere = dev.clone();
    elsewhere[at + 7..at + 16].copy_from_slice(b"evilhosts");
    std::fs::write(home.file("dev"), &elsewhere).unwrap();
    home.assert_refused(&home.vars, "the key is wrong or the file is damaged");
}

#[test]
fn an_explicit_key_that_fails_is_never_passed_over() {
    let home = Home::new();
    let with = |passphrase: &str| Vars { passphrase: Some(Secret::new(passphrase)), ..home.vars.clone() };
    home.set_with(&with("right"), "dev", "anyt_canary").unwrap();
    assert!(!home.paths.key_file().exists());
    assert_eq!(home.get_with(&with("right"), "dev").unwrap(), [stored("anyt_canary")]);
    home.assert_refused(&with("wrong"), "the key is wrong or the file is damaged");
    home.assert_refused(&home.vars, "needs its passphrase");
    let file = home.paths.config_file().with_file_name("pass");
    create_private_dir(file.parent().unwrap()).unwrap();
    let from_file = Vars { passphrase_file: Some(file.clone()), ..with("right") };
    home.assert_refused(&from_file, "ANYT_PASSPHRASE_FILE");
    std::fs::write(&file, "right\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    home.assert_refused(&from_file, "chmod 600");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(home.get_with(&from_file, "dev").unwrap(), [stored("anyt_canary")]);
    std::fs::write(&file, "\n").unwrap();
    home.assert_refused(&from_file, "is empty");
    // systemd's file goes before both.
    let folder = file.parent().unwrap();
    let systemd = Vars { credentials_directory: Some(folder.into()), ..from_file };
    home.assert_refused(&systemd, "is empty");
    std::fs::write(folder.join("anyt.key"), "right").unwrap();
    std::fs::set_permissions(folder.join("anyt.key"), std::fs::Permissions::from_mode(0o440)).unwrap();
    assert_eq!(home.get_with(&systemd, "dev").unwrap(), [stored("anyt_canary")]);
}

#[test]
fn a_passphrase_does_not_open_what_the_random_key_sealed() {
    let home = Home::new();
    home.set("dev", "anyt_canary").unwrap();
    let vars = Vars { passphrase: Some(Secret::new("p")), ..home.vars.clone() };
    home.assert_refused(&vars, "sealed with the random key");
}

#[test]
fn a_key_that_is_gone_is_not_made_again_while_a_file_needs_it() {
    let home = Home::new();
    home.set("dev", "anyt_canary").unwrap();
    let key = std::fs::read(home.paths.key_file()).unwrap();
    std::fs::remove_file(home.paths.key_file()).unwrap();
    home.assert_refused(&home.vars, "missing");
    let error = home.set("prod", "t").unwrap_err();
    assert!(error.advice().unwrap().contains("no new key was made"), "{error}");
    assert!(!home.paths.key_file().exists());
    std::fs::write(home.paths.key_file(), &key[..31]).unwrap();
    std::fs::set_permissions(home.paths.key_file(), std::fs::Permissions::from_mode(0o600)).unwrap();
    home.assert_refused(&home.vars, "not a key of 32 bytes");
}

#[test]
fn odd_files_are_refused_for_the_key_and_for_the_ciphertext() {
    for which in [|home: &Home| home.paths.key_file(), |home: &Home| home.file("dev")] {
        let home = Home::new();
        home.set("dev", "anyt_canary").unwrap();
        let path = which(&home);
        let second = path.with_extension("second");
        std::fs::hard_link(&path, &second).unwrap();
        home.assert_refused(&home.vars, "hard link");
        std::fs::remove_file(&path).unwrap();
        symlink(&second, &path).unwrap();
        home.assert_refused(&home.vars, "symbolic link");
        std::fs::rename(&second, &path).unwrap();
        if chown(&path, Some(65_534), None).is_ok() {
            home.assert_refused(&home.vars, "another user");
        } else {
            println!("skipped the foreign owner: only root can give a file away");
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        home.assert_refused(&home.vars, "not a regular file");
    }
    let home = Home::new();
    home.set("dev", "anyt_canary").unwrap();
    std::fs::set_permissions(home.paths.key_file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    home.assert_refused(&home.vars, "chmod 600");
}

#[test]
fn somebody_who_typed_a_passphrase_is_not_asked_again() {
    let home = Home::new();
    let asked = std::cell::Cell::new(0);
    let ask = |_: &str| {
        asked.set(asked.get() + 1);
        Ok(Some(Secret::new("typed")))
    };
    let keys = Keys::new(&home.vars, &home.paths, Some(&ask));
    let store = FileStore::new(&home.paths, &keys);
    store.put(&name("dev"), &[stored("anyt_canary")]).unwrap();
    assert_eq!(store.get(&name("dev")).unwrap(), [stored("anyt_canary")]);
    assert_eq!(asked.get(), 2, "once, and once more to be sure");
    let fresh = Keys::new(&home.vars, &home.paths, Some(&ask));
    assert_eq!(FileStore::new(&home.paths, &fresh).get(&name("dev")).unwrap(), [stored("anyt_canary")]);
    assert_eq!(asked.get(), 3);
    home.assert_refused(&home.vars, "needs its passphrase");
}

#[test]
fn who_mistypes_types_again_three_times() {
    let home = Home::new();
    let answers = std::cell::RefCell::new(Vec::new());
    let ask = |_: &str| Ok(answers.borrow_mut().pop().map(Secret::new));
    let with = |typed: &[&'static str]| {
        answers.replace(typed.iter().rev().copied().collect());
        Keys::new(&home.vars, &home.paths, Some(&ask))
    };
    let keys = with(&["one", "other", "typed", "typed"]);
    FileStore::new(&home.paths, &keys).put(&name("dev"), &[stored("anyt_canary")]).unwrap();
    let get = |typed: &[&'static str]| FileStore::new(&home.paths, &with(typed)).get(&name("dev"));
    assert_eq!(get(&["wrong", "wronger", "typed"]).unwrap(), [stored("anyt_canary")]);
    assert!(answers.borrow().is_empty());
    let refused = get(&["wrong", "wronger", "wrongest", "typed"]).map(drop).unwrap_err().into_error();
    assert!(refused.to_string().contains("does not open"), "{refused}");
    assert_eq!(answers.take(), ["typed"]);
    // Who stops is not asked on.
    assert!(get(&["wrong"]).is_err());
}
