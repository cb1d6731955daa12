use std::os::unix::fs::PermissionsExt as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;

const ROW: Place<'static> = Place {
    table: "connections",
    column: "secrets",
    row: "con_one",
};

fn key_file(directory: &Path, mode: u32, content: &str) -> PathBuf {
    let path = directory.join("kek");
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn what_was_sealed_opens_again_at_its_place() {
    let vault = Vault::ephemeral();
    for plain in [&b""[..], b"x", b"fake-secret", &vec![0; 70_000]] {
        let envelope = vault.seal(ROW, plain);
        assert_eq!(vault.open(ROW, &envelope).unwrap().as_slice(), plain);
        assert_eq!(envelope.len(), HEADER + plain.len() + TAG);
    }
}

#[test]
fn two_seals_of_one_value_have_nothing_in_common() {
    let vault = Vault::ephemeral();
    let (one, two) = (vault.seal(ROW, b"same"), vault.seal(ROW, b"same"));
    assert_eq!(one[..=KEY_ID], two[..=KEY_ID]);
    assert_ne!(one[1 + KEY_ID..][..NONCE], two[1 + KEY_ID..][..NONCE]);
    assert_ne!(
        one[HEADER - NONCE..][..NONCE],
        two[HEADER - NONCE..][..NONCE]
    );
}

#[test]
fn no_envelope_opens_at_another_row_or_column() {
    let vault = Vault::ephemeral();
    let rows: Vec<String> = (0..200).map(|number| format!("con_{number}")).collect();
    let sealed: Vec<Vec<u8>> = rows
        .iter()
        .map(|row| vault.seal(Place { row, ..ROW }, row.as_bytes()))
        .collect();
    let mut opened = 0;
    for (place, row) in rows.iter().enumerate() {
        for (origin, envelope) in sealed.iter().enumerate() {
            let found = vault.open(Place { row, ..ROW }, envelope);
            assert_eq!(found.is_ok(), place == origin, "{origin} at {place}");
            opened += usize::from(found.is_ok());
            let column = Place {
                row,
                column: "sealed",
                ..ROW
            };
            let table = Place {
                row,
                table: "tokens",
                ..ROW
            };
            assert_eq!(vault.open(column, envelope), Err(Unsealable));
            assert_eq!(vault.open(table, envelope), Err(Unsealable));
        }
    }
    assert_eq!(opened, 200);
}

#[test]
fn parts_of_a_place_can_not_flow_into_each_other() {
    let vault = Vault::ephemeral();
    let envelope = vault.seal(
        Place {
            table: "ab",
            column: "c",
            row: "d",
        },
        b"x",
    );
    assert!(
        vault
            .open(
                Place {
                    table: "a",
                    column: "bc",
                    row: "d"
                },
                &envelope
            )
            .is_err()
    );
    assert!(
        vault
            .open(
                Place {
                    table: "ab",
                    column: "",
                    row: "cd"
                },
                &envelope
            )
            .is_err()
    );
}

#[test]
fn every_flipped_bit_is_detected() {
    let vault = Vault::ephemeral();
    for number in 0..200_usize {
        let row = format!("con_{number}");
        let place = Place { row: &row, ..ROW };
        let mut envelope = vault.seal(place, format!("fake-secret-{number}").as_bytes());
        for byte in 0..envelope.len() {
            let mask = 1 << ((byte + number) % 8);
            envelope[byte] ^= mask;
            assert_eq!(vault.open(place, &envelope), Err(Unsealable), "byte {byte}");
            envelope[byte] ^= mask;
        }
        assert!(vault.open(place, &envelope).is_ok());
    }
}

#[test]
fn every_shortened_envelope_is_refused() {
    let vault = Vault::ephemeral();
    let envelope = vault.seal(ROW, b"fake-secret");
    for length in 0..envelope.len() {
        assert_eq!(vault.open(ROW, &envelope[..length]), Err(Unsealable));
    }
}

#[test]
fn another_key_opens_nothing() {
    let (one, two) = (Vault::ephemeral(), Vault::ephemeral());
    assert_eq!(two.open(ROW, &one.seal(ROW, b"x")), Err(Unsealable));
    // Not even if the key id is forged.
    let mut envelope = one.seal(ROW, b"x");
    envelope[1..=KEY_ID].copy_from_slice(&two.sealing().id.0);
    assert_eq!(two.open(ROW, &envelope), Err(Unsealable));
}

#[test]
fn a_new_key_is_written_only_when_it_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kek");
    let mut vault = Vault::open_or_create(&path).unwrap();
    assert!(!path.exists());
    vault.keep().unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(STANDARD.decode(text.trim_end()).unwrap().len(), KEY);
    let again = Vault::from_file(&path).unwrap();
    assert_eq!(
        again.open(ROW, &vault.seal(ROW, b"x")).unwrap().as_slice(),
        b"x"
    );
    // A second one that was prepared at the same time takes the key that is there.
    let other = directory.path().join("other");
    let mut first = Vault::open_or_create(&other).unwrap();
    let mut second = Vault::open_or_create(&other).unwrap();
    first.keep().unwrap();
    second.keep().unwrap();
    assert!(second.open(ROW, &first.seal(ROW, b"x")).is_ok());
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let good = STANDARD.encode([7; KEY]);
    for mode in [0o644, 0o640, 0o604, 0o660, 0o601, 0o620] {
        let path = key_file(directory.path(), mode, &good);
        let refused = Vault::from_file(&path).err();
        assert_eq!(
            refused,
            Some(Error::KeyPermissions {
                path: path.clone(),
                mode
            })
        );
        assert!(refused.unwrap().to_string().contains("chmod 600"));
    }
    for mode in [0o600, 0o400] {
        let path = key_file(directory.path(), mode, &good);
        assert!(Vault::from_file(&path).is_ok(), "{mode:o}");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_file_without_a_key_is_refused_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let short = STANDARD.encode([7; 31]);
    let long = STANDARD.encode([7; 33]);
    for (content, why) in [
        ("", "it is empty"),
        ("\n", "it is empty"),
        ("not base64!", "it is not base64"),
        (short.as_str(), "it is too short"),
        (long.as_str(), "it is too long"),
    ] {
        let path = key_file(directory.path(), 0o600, content);
        for opened in [Vault::from_file(&path), Vault::open_or_create(&path)] {
            assert_eq!(
                opened.err(),
                Some(Error::KeyFormat {
                    path: path.clone(),
                    why
                }),
                "{content}"
            );
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    assert!(matches!(
        Vault::from_file(&directory.path().join("none")).err(),
        Some(Error::KeyFile { .. })
    ));
    assert!(matches!(
        Vault::from_file(directory.path()).err(),
        Some(Error::KeyPermissions { .. } | Error::KeyFile { .. })
    ));
}
