//! Envelope encryption: each value is sealed with a data key of its own, the data key with the key of the installation.
//!
//! AES-256-GCM-SIV throughout. An envelope is bound to its place (table, column, row) by the associated data, so it can't
//! be moved to another row, and carries the id of the key that wrapped it, so that keys can be rotated. The vault knows
//! no record; where the key file comes from and how it is backed up is the operator's business.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey},
    hkdf::{self, HKDF_SHA256},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{Error, id::random_bytes};

const VERSION: u8 = 1;
const KEY: usize = 32;
const KEY_ID: usize = 8;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Version, key id, nonce and wrapped data key, nonce; then the sealed value and its tag.
const HEADER: usize = 1 + KEY_ID + NONCE + KEY + TAG + NONCE;
/// A key file is one short line; more is another file given by mistake.
const LONGEST_FILE: u16 = 4096;

/// Names the key that wrapped a data key, or that signed an audit row. Not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyId(pub(crate) [u8; KEY_ID]);

/// Where a sealed value stands; it can be opened nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: &'a str,
}

impl Place<'_> {
    fn associated_data(&self, key: KeyId) -> Vec<u8> {
        let mut data = vec![VERSION];
        data.extend(key.0);
        for part in [self.table, self.column, self.row] {
            data.extend((part.len() as u64).to_be_bytes());
            data.extend(part.as_bytes());
        }
        data
    }
}

/// The bytes are not an envelope of this place under a key we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsealable;

/// The key that seals all secrets of an installation.
pub struct Vault {
    path: PathBuf,
    /// The first seals; all open. More than one exists only while keys are rotated.
    keys: Vec<InstallationKey>,
    /// A key that was made just now and is written once it is known that the database is new too.
    unwritten: Option<Zeroizing<[u8; KEY]>>,
}

struct InstallationKey {
    id: KeyId,
    wrapping: RandomizedNonceKey,
    chain: hmac::Key,
    names: hmac::Key,
}

impl InstallationKey {
    fn derive(raw: &[u8; KEY]) -> Self {
        let secret = hkdf::Salt::new(HKDF_SHA256, b"keyway").extract(raw);
        let mut id = [0; KEY_ID];
        expand(&secret, b"key id v1", &mut id);
        let mut wrapping = Zeroizing::new([0; KEY]);
        expand(&secret, b"data key wrapping v1", wrapping.as_mut());
        let mut chain = Zeroizing::new([0; KEY]);
        expand(&secret, b"audit chain v1", chain.as_mut());
        let mut names = Zeroizing::new([0; KEY]);
        expand(&secret, b"names v1", names.as_mut());
        Self {
            id: KeyId(id),
            wrapping: cipher(&wrapping),
            chain: hmac::Key::new(hmac::HMAC_SHA256, chain.as_ref()),
            names: hmac::Key::new(hmac::HMAC_SHA256, names.as_ref()),
        }
    }
}

fn expand(secret: &hkdf::Prk, purpose: &[u8], out: &mut [u8]) {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    secret
        .expand(&[purpose], Length(out.len()))
        .and_then(|derived| derived.fill(out))
        .expect("a derived key is far shorter than HKDF allows");
}

fn cipher(key: &[u8; KEY]) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM_SIV, key).expect("a key of 32 bytes fits the cipher")
}

impl Vault {
    /// Reads the key file. If there is none, a key is prepared and written (mode 0600) when a new database is made.
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        if let Some(raw) = read_key(path)? {
            return Ok(Self::of(path, &raw));
        }
        let raw = Zeroizing::new(random_bytes());
        let mut vault = Self::of(path, &raw);
        vault.unwritten = Some(raw);
        Ok(vault)
    }

    /// Reads the key file; it must exist.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let raw = read_key(path)?.ok_or_else(|| Error::KeyFile {
            path: path.to_owned(),
            detail: "there is no such file".to_owned(),
        })?;
        Ok(Self::of(path, &raw))
    }

    /// A key that is in no file, for databases in memory: it is gone when they are.
    pub fn ephemeral() -> Self {
        Self::of(Path::new("(memory)"), &Zeroizing::new(random_bytes()))
    }

    /// The content of a key file with a new key.
    #[cfg(test)]
    pub(crate) fn ephemeral_text() -> String {
        STANDARD.encode(random_bytes::<KEY>())
    }

    fn of(path: &Path, raw: &[u8; KEY]) -> Self {
        Self {
            path: path.to_owned(),
            keys: vec![InstallationKey::derive(raw)],
            unwritten: None,
        }
    }

    fn sealing(&self) -> &InstallationKey {
        self.keys.first().expect("a vault has a key")
    }

    fn find(&self, id: KeyId) -> Option<&InstallationKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The key that signs new audit rows.
    pub(crate) fn chain_key(&self) -> (KeyId, &hmac::Key) {
        let key = self.sealing();
        (key.id, &key.chain)
    }

    /// The key that signed an older audit row.
    pub(crate) fn chain_key_of(&self, id: KeyId) -> Option<&hmac::Key> {
        self.find(id).map(|key| &key.chain)
    }

    /// Stands for a text that is to be recognised but not kept; without the key it can't be guessed.
    pub(crate) fn fingerprint(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.sealing().names, text.as_bytes())
            .as_ref()
            .to_vec()
    }

    /// Seals a value for one place.
    pub(crate) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Vec<u8> {
        let key = self.sealing();
        let data = place.associated_data(key.id);
        let mut data_key = Zeroizing::new(random_bytes::<KEY>());
        let value_cipher = cipher(&data_key);

        let mut wrapped = data_key.to_vec();
        data_key.zeroize();
        let wrap_nonce = seal_in_place(&key.wrapping, &data, &mut wrapped);
        // Room for the tag beforehand: growing would leave a copy of the plain text behind.
        let mut value = Vec::with_capacity(plain.len() + TAG);
        value.extend_from_slice(plain);
        let value_nonce = seal_in_place(&value_cipher, &data, &mut value);

        let mut envelope = Vec::with_capacity(HEADER + value.len());
        envelope.push(VERSION);
        envelope.extend(key.id.0);
        envelope.extend(wrap_nonce.as_ref());
        envelope.extend(wrapped);
        envelope.extend(value_nonce.as_ref());
        envelope.extend(value);
        envelope
    }

    /// Opens a value that was sealed for this place.
    pub(crate) fn open(
        &self,
        place: Place<'_>,
        envelope: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (version, rest) = envelope.split_first().ok_or(Unsealable)?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID>().ok_or(Unsealable)?;
        let (wrap_nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Unsealable)?;
        let (wrapped, rest) = rest
            .split_first_chunk::<{ KEY + TAG }>()
            .ok_or(Unsealable)?;
        let (value_nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(Unsealable)?;
        let key = self.find(KeyId(*id)).ok_or(Unsealable)?;
        if *version != VERSION {
            return Err(Unsealable);
        }
        let data = place.associated_data(key.id);
        let data_key = open_in_place(&key.wrapping, &data, wrap_nonce, wrapped)?;
        let data_key: &[u8; KEY] = data_key.as_slice().try_into().map_err(|_| Unsealable)?;
        open_in_place(&cipher(data_key), &data, value_nonce, sealed)
    }

    /// Opens a text that was sealed for this place.
    pub(crate) fn open_text(
        &self,
        place: Place<'_>,
        envelope: &[u8],
    ) -> Result<Zeroizing<String>, Unsealable> {
        let plain = self.open(place, envelope)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Unsealable)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// Checks that a database's key check was sealed with this key, before anything is written.
    pub(crate) fn confirm(&mut self, place: Place<'_>, key_check: &[u8]) -> Result<(), Error> {
        let path = self.path.clone();
        if self.unwritten.is_some() {
            // Another process may have made key and database since we looked.
            let raw = read_key(&path)?.ok_or_else(|| Error::KeyMissing { path: path.clone() })?;
            *self = Self::of(&path, &raw);
        }
        match self.open(place, key_check) {
            Ok(_) => Ok(()),
            Err(Unsealable) => Err(Error::WrongKey { path }),
        }
    }

    /// Writes a key that was made just now, durably, before anything is sealed with it.
    pub(crate) fn keep(&mut self) -> Result<(), Error> {
        let Some(raw) = self.unwritten.take() else {
            return Ok(());
        };
        let path = self.path.clone();
        match write_key(&path, &raw) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                *self = Self::from_file(&path)?;
                Ok(())
            }
            Err(error) => Err(Error::KeyFile {
                path,
                detail: error.to_string(),
            }),
        }
    }
}

fn seal_in_place(key: &RandomizedNonceKey, data: &[u8], value: &mut Vec<u8>) -> Nonce {
    key.seal_in_place_append_tag(Aad::from(data), value)
        .expect("a value in memory is far shorter than the cipher allows")
}

fn open_in_place(
    key: &RandomizedNonceKey,
    data: &[u8],
    nonce: &[u8; NONCE],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
    let mut value = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key
        .open_in_place(nonce, Aad::from(data), &mut value)
        .map_err(|_| Unsealable)?
        .len();
    value.truncate(length);
    Ok(value)
}

/// Reads and checks a key file; `None` if there is none.
fn read_key(path: &Path) -> Result<Option<Zeroizing<[u8; KEY]>>, Error> {
    let unusable = |detail: String| Error::KeyFile {
        path: path.to_owned(),
        detail,
    };
    let malformed = |why: &'static str| Error::KeyFormat {
        path: path.to_owned(),
        why,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(error.to_string())),
    };
    // The permissions of what was opened, not of what the path may name a moment later.
    let found = file
        .metadata()
        .map_err(|error| unusable(error.to_string()))?;
    if !found.is_file() {
        return Err(unusable("it is not a file".to_owned()));
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::KeyPermissions {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_FILE.into()));
    file.take(LONGEST_FILE.into())
        .read_to_string(&mut text)
        .map_err(|_| malformed("it is not text"))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(malformed("it is empty"));
    }
    let bytes = Zeroizing::new(
        STANDARD
            .decode(text)
            .map_err(|_| malformed("it is not base64"))?,
    );
    let key: [u8; KEY] = bytes.as_slice().try_into().map_err(|_| {
        malformed(if bytes.len() < KEY {
            "it is too short"
        } else {
            "it is too long"
        })
    })?;
    Ok(Some(Zeroizing::new(key)))
}

fn write_key(path: &Path, raw: &[u8; KEY]) -> std::io::Result<()> {
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(raw)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // The file's name is durable only with its directory.
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
