//! The vectors were made by OpenSSL 3.0 (`openssl pkcs12 -export`, with `-legacy` where the name says so or RC2 is in it) for
//! a key of `CN=keyway-test`; what OpenSSL does not export is put together here, byte by byte.

use proptest::prelude::*;

use super::super::ClientCertificate;
use super::*;
use crate::Secret;

const PASSWORD: &str = "fake-passwörd";
const THUMBPRINT: &str = "8EAA5E1753ACBF6694DF1D5173751E9DA3221166";
/// Of the certificate that an authority with an elliptic key signed.
const LEAF: &str = "CD431DBD368F23A652CCC6ACDB0C9DD532ECC770";

const MODERN: &[u8] = include_bytes!("vectors/modern.pfx");
const LEGACY: &[u8] = include_bytes!("vectors/legacy.pfx");
const RC2_128: &[u8] = include_bytes!("vectors/rc2-128.pfx");
const EMPTY: &[u8] = include_bytes!("vectors/empty.pfx");
const LEGACY_EMPTY: &[u8] = include_bytes!("vectors/legacy-empty.pfx");
const CHAIN: &[u8] = include_bytes!("vectors/chain.pfx");
const PLAIN: &[u8] = include_bytes!("vectors/plain.pfx");
const NO_KEY: &[u8] = include_bytes!("vectors/no-key.pfx");
const NO_CERTIFICATE: &[u8] = include_bytes!("vectors/no-certificate.pfx");

fn read(file: &[u8], password: &str) -> Result<ClientCertificate, CertificateError> {
    ClientCertificate::from_pkcs12(file, &Secret::new(password))
}

fn refused(file: &[u8], password: &str) -> &'static str {
    read(file, password).unwrap_err().code()
}

/// An element of DER.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut bytes = vec![tag, 0x82, high, low];
    bytes.extend(content);
    bytes
}

fn info(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let id = tlv(OBJECT_IDENTIFIER, &[kind]);
    tlv(SEQUENCE, &[&id, &tlv(EXPLICIT, &[content])])
}

/// A file without encryption or MAC, of these bags.
fn file(bags: &[Vec<u8>]) -> Vec<u8> {
    file_with(bags, &[])
}

fn file_with(bags: &[Vec<u8>], mac: &[u8]) -> Vec<u8> {
    let bags: Vec<&[u8]> = bags.iter().map(Vec::as_slice).collect();
    let part = info(DATA, &tlv(OCTET_STRING, &[&tlv(SEQUENCE, &bags)]));
    let safe = tlv(OCTET_STRING, &[&tlv(SEQUENCE, &[&part])]);
    tlv(SEQUENCE, &[&[INTEGER, 1, 3], &info(DATA, &safe), mac])
}

fn key_bag(key: &[u8]) -> Vec<u8> {
    info(&[BAGS, &[KEY_BAG]].concat(), key)
}

fn certificate_bag(der: &[u8]) -> Vec<u8> {
    let certificate = info(X509, &tlv(OCTET_STRING, &[der]));
    info(&[BAGS, &[CERTIFICATE_BAG]].concat(), &certificate)
}

/// A key that is said to be encrypted, with parameters of one's own.
fn shrouded_bag(scheme: &[u8], parameters: &[u8]) -> Vec<u8> {
    let algorithm = tlv(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[scheme]), parameters]);
    let sealed = tlv(OCTET_STRING, &[&[7; 16]]);
    let key = tlv(SEQUENCE, &[&algorithm, &sealed]);
    info(&[BAGS, &[SHROUDED_KEY_BAG]].concat(), &key)
}

/// Salt and number of rounds of the old schemes.
fn rounds(number: &[u8]) -> Vec<u8> {
    let salt = tlv(OCTET_STRING, &[&[1; 8]]);
    tlv(SEQUENCE, &[&salt, &tlv(INTEGER, &[number])])
}

const TRIPLE_DES_PBE: [u8; 10] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03];

const PBES2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const AES_256: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
const SHA1: [u8; 5] = [0x2b, 0x0e, 0x03, 0x02, 0x1a];

/// The parameters of PBES2, with a number of rounds.
fn pbkdf2_and_aes(number: &[u8]) -> Vec<u8> {
    let function = tlv(
        SEQUENCE,
        &[&tlv(OBJECT_IDENTIFIER, &[&PBKDF2]), &rounds(number)],
    );
    let iv = tlv(OCTET_STRING, &[&[2; 16]]);
    let scheme = tlv(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[&AES_256]), &iv]);
    tlv(SEQUENCE, &[&function, &scheme])
}

#[test]
fn what_programs_export_is_read() {
    for (what, file, password, thumbprint) in [
        ("AES-256, SHA-256", MODERN, PASSWORD, THUMBPRINT),
        ("Triple DES, RC2-40, SHA-1", LEGACY, PASSWORD, THUMBPRINT),
        ("2-key Triple DES, RC2-128", RC2_128, PASSWORD, THUMBPRINT),
        ("an empty password", EMPTY, "", THUMBPRINT),
        (
            "Triple DES and an empty password",
            LEGACY_EMPTY,
            "",
            THUMBPRINT,
        ),
        ("AES-128, AES-192, SHA-512, a chain", CHAIN, PASSWORD, LEAF),
        ("no encryption, no MAC", PLAIN, "", THUMBPRINT),
        ("a password that nothing asks for", PLAIN, "any", THUMBPRINT),
    ] {
        let read = read(file, password).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read.certificate().thumbprint(), thumbprint, "{what}");
        // What is sealed is the pair as PEM, and it is read again.
        let again = ClientCertificate::from_pem(read.pem()).unwrap();
        assert_eq!(again.certificate(), read.certificate(), "{what}");
        assert_eq!(read.pem().expose().matches("BEGIN").count(), 2, "{what}");
    }
}

#[test]
fn what_cannot_be_used_is_said() {
    let opened = open(PLAIN, "").unwrap();
    let (key, certificate) = (&opened.keys[0], &opened.certificates[0]);
    let other = open(CHAIN, PASSWORD).unwrap();
    let bags = |bags: &[Vec<u8>]| file(bags);
    let pair = bags(&[key_bag(key), certificate_bag(certificate)]);
    assert_eq!(
        read(&pair, "").unwrap().certificate().thumbprint(),
        THUMBPRINT
    );
    let two = [
        key_bag(key),
        key_bag(&other.keys[0]),
        certificate_bag(certificate),
    ];
    let mixed = [key_bag(key), certificate_bag(&other.certificates[0])];
    let (wrong, unreadable) = ("certificate.password_wrong", "certificate.unreadable");
    for (what, file, password, code) in [
        ("wrong", MODERN.to_vec(), "fake", wrong),
        ("wrong, legacy", LEGACY.to_vec(), "fake", wrong),
        ("left out", MODERN.to_vec(), "", wrong),
        ("not empty", EMPTY.to_vec(), "fake", wrong),
        (
            "no key",
            NO_KEY.to_vec(),
            PASSWORD,
            "certificate.key_missing",
        ),
        (
            "no certificate",
            NO_CERTIFICATE.to_vec(),
            PASSWORD,
            "certificate.missing",
        ),
        ("two keys", bags(&two), "", "certificate.several_keys"),
        (
            "a pair of two",
            bags(&mixed),
            "",
            "certificate.key_mismatch",
        ),
        ("no file", Vec::new(), "", unreadable),
        (
            "PEM",
            b"-----BEGIN CERTIFICATE-----".to_vec(),
            "",
            unreadable,
        ),
        ("half", MODERN[..1000].to_vec(), PASSWORD, unreadable),
        (
            "large",
            vec![0x30; PKCS12_LARGEST + 1],
            "",
            "certificate.too_large",
        ),
    ] {
        assert_eq!(refused(&file, password), code, "{what}");
    }
}

#[test]
fn a_file_cannot_ask_for_any_amount_of_work() {
    let many = [0x7f, 0xff, 0xff, 0xff];
    let more = [0x01, 0, 0, 0, 0, 0];
    let million = [0x0f, 0x42, 0x40];
    let of = |number: &[u8]| shrouded_bag(&TRIPLE_DES_PBE, &rounds(number));
    assert_eq!(
        refused(&file(&[of(&many)]), "fake"),
        "certificate.too_many_rounds"
    );
    assert_eq!(
        refused(&file(&[of(&more)]), "fake"),
        "certificate.too_many_rounds"
    );
    assert_eq!(
        refused(&file(&[of(&[0])]), "fake"),
        "certificate.unreadable"
    );
    // What was derived before counts: the integrity's own rounds, then the parts'.
    let mut budget = Budget::default();
    let password = Password::readings("fake").next().unwrap();
    let bag = file(&[of(&million)]);
    let tried = open_with(&bag, &password, &mut budget).err();
    assert_eq!(tried, Some(CertificateError::PasswordWrong));
    let tried = open_with(&bag, &password, &mut budget).err();
    assert_eq!(tried, Some(CertificateError::TooCostly));
    // The same for PBKDF2, and for the integrity of a whole file.
    let six_million = [0x5b, 0x8d, 0x80];
    let by_pbkdf2 = shrouded_bag(&PBES2, &pbkdf2_and_aes(&six_million));
    assert_eq!(
        refused(&file(&[by_pbkdf2]), "fake"),
        "certificate.too_many_rounds"
    );
    let by_pbkdf2 = shrouded_bag(&PBES2, &pbkdf2_and_aes(&million));
    assert_eq!(
        refused(&file(&[by_pbkdf2]), "fake"),
        "certificate.password_wrong"
    );
    let mac = |number: &[u8]| {
        let sha1 = tlv(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[&SHA1])]);
        let digest = tlv(SEQUENCE, &[&sha1, &tlv(OCTET_STRING, &[&[0; 20]])]);
        let salt = tlv(OCTET_STRING, &[&[1; 8]]);
        tlv(SEQUENCE, &[&digest, &salt, &tlv(INTEGER, &[number])])
    };
    for (number, code) in [
        (&six_million[..], "certificate.too_many_rounds"),
        (&more, "certificate.too_many_rounds"),
        (&[8, 0], "certificate.password_wrong"),
    ] {
        assert_eq!(refused(&file_with(&[], &mac(number)), "fake"), code);
    }
}

#[test]
fn other_protection_is_refused_by_name() {
    let scrypt = tlv(
        OBJECT_IDENTIFIER,
        &[&[0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 0x0b]],
    );
    let function = tlv(SEQUENCE, &[&scrypt, &tlv(SEQUENCE, &[])]);
    let scheme = tlv(SEQUENCE, &[&scrypt]);
    let rc4 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x01];
    for bag in [
        shrouded_bag(&PBES2, &tlv(SEQUENCE, &[&function, &scheme])),
        shrouded_bag(&rc4, &rounds(&[1])),
        shrouded_bag(&[0x2a, 3], &rounds(&[1])),
    ] {
        assert_eq!(
            refused(&file(&[bag]), ""),
            "certificate.protection_unsupported"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn broken_files_are_refused_and_never_panic(
        vector in prop::sample::select(vec![MODERN, LEGACY, RC2_128, EMPTY, CHAIN, PLAIN]),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 0..4),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut file = vector.to_vec();
        for (at, bits) in &flips {
            let at = at.index(file.len());
            file[at] ^= bits;
        }
        if cut {
            file.truncate(end.index(file.len()));
        }
        // Flipped bits may lie where nothing looks; then what is read is the right one.
        if let Ok(read) = read(&file, PASSWORD) {
            let thumbprint = read.certificate().thumbprint();
            prop_assert!(vector == PLAIN || [THUMBPRINT, LEAF].contains(&thumbprint.as_str()));
        }
    }

    #[test]
    fn any_bytes_are_refused(file in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&file, "").is_err());
    }
}
