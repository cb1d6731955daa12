//! Envelope encryption: each value is sealed with a data key of its own, the data key with the key of the installation.
//!
//! AES-256-GCM-SIV throughout. An envelope is bound to its place (table, column, row) by the associated data, so it can't
//! be moved to another row, and carries the id of the key that wrapped it, so that keys can be rotated. The vault knows
//! no record; where the key file comes from and how it is backed up is the operator's business.

mod file;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey},
    hkdf::{self, HKDF_SHA256},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{Error, id::random_bytes};

const VERSION: u8 = 1;
const KEY: usize = 32;
const KEY_ID: usize = 8;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Version, key id, nonce and wrapped data key, nonce; then the sealed value and its tag.
const HEADER: usize = 1 + KEY_ID + NONCE + KEY + TAG + NONCE;

/// Names the key that wrapped a data key, or that signed an audit row. Not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyId(pub(crate) [u8; KEY_ID]);

impl KeyId {
    /// Reads the hexadecimal digits by which a key is named.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = u64::from_str_radix(text, 16).ok()?;
        (text.len() == 2 * KEY_ID).then(|| Self(number.to_be_bytes()))
    }
}

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

/// A key as it stands in its file.
type RawKey = Zeroizing<[u8; KEY]>;

/// The keys that seal all secrets of an installation.
pub struct Vault {
    path: PathBuf,
    keys: RwLock<Arc<Ring>>,
    /// A key that was made just now and is written once it is known that the database is new too.
    unwritten: Option<RawKey>,
}

/// The keys that are known at a time.
#[derive(Clone)]
struct Ring {
    /// The first seals; all open. What has left the file stays until the process ends.
    keys: Vec<Arc<InstallationKey>>,
    /// What checks the audit rows of keys that are retired.
    retired: Vec<(KeyId, hmac::Key)>,
}

struct InstallationKey {
    id: KeyId,
    wrapping: RandomizedNonceKey,
    chain: hmac::Key,
    names: hmac::Key,
    links: hmac::Key,
}

impl InstallationKey {
    fn derive(raw: &[u8; KEY]) -> Self {
        let secret = extract(raw);
        let mut wrapping = Zeroizing::new([0; KEY]);
        expand(&secret, b"data key wrapping v1", wrapping.as_mut());
        let chain = chain_of(&secret);
        let mut names = Zeroizing::new([0; KEY]);
        expand(&secret, b"names v1", names.as_mut());
        let mut links = Zeroizing::new([0; KEY]);
        expand(&secret, b"links v1", links.as_mut());
        Self {
            id: id_of(&secret),
            wrapping: cipher(&wrapping),
            chain: hmac::Key::new(hmac::HMAC_SHA256, chain.as_ref()),
            names: hmac::Key::new(hmac::HMAC_SHA256, names.as_ref()),
            links: hmac::Key::new(hmac::HMAC_SHA256, links.as_ref()),
        }
    }
}

/// What signs audit rows.
fn chain_of(secret: &hkdf::Prk) -> RawKey {
    let mut chain = Zeroizing::new([0; KEY]);
    expand(secret, b"audit chain v1", chain.as_mut());
    chain
}

fn id_of(secret: &hkdf::Prk) -> KeyId {
    let mut id = [0; KEY_ID];
    expand(secret, b"key id v1", &mut id);
    KeyId(id)
}

fn extract(raw: &[u8; KEY]) -> hkdf::Prk {
    hkdf::Salt::new(HKDF_SHA256, b"keyway").extract(raw)
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
        if let Some(raw) = file::read(path)? {
            return Ok(Self::of(path, &raw));
        }
        let raw = Zeroizing::new(random_bytes());
        let mut vault = Self::of(path, std::slice::from_ref(&raw));
        vault.unwritten = Some(raw);
        Ok(vault)
    }

    /// Reads the key file; it must exist.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        Ok(Self::of(path, &file::must_read(path)?))
    }

    /// A key that is in no file, for databases in memory: it is gone when they are.
    pub fn ephemeral() -> Self {
        let raw = Zeroizing::new(random_bytes());
        Self::of(Path::new("(memory)"), std::slice::from_ref(&raw))
    }

    /// The content of a key file with a new key.
    #[cfg(test)]
    pub(crate) fn ephemeral_text() -> String {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        STANDARD.encode(random_bytes::<KEY>())
    }

    fn of(path: &Path, raw: &[RawKey]) -> Self {
        let keys = raw.iter().map(|raw| Arc::new(InstallationKey::derive(raw)));
        let ring = Ring {
            keys: keys.collect(),
            retired: Vec::new(),
        };
        Self {
            path: path.to_owned(),
            keys: RwLock::new(Arc::new(ring)),
            unwritten: None,
        }
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_ring(&self, change: impl FnOnce(&mut Ring)) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut keys));
    }

    fn sealing(&self) -> Arc<InstallationKey> {
        let ring = self.ring();
        Arc::clone(ring.keys.first().expect("a vault has a key"))
    }

    fn find(&self, id: KeyId) -> Option<Arc<InstallationKey>> {
        let known = |ring: &Ring| ring.keys.iter().find(|key| key.id == id).cloned();
        if let Some(key) = known(&self.ring()) {
            return Some(key);
        }
        // Another process may have made a new key since the file was read.
        self.follow().ok()?;
        known(&self.ring())
    }

    /// Names the key that seals.
    pub(crate) fn sealing_id(&self) -> KeyId {
        self.sealing().id
    }

    /// The key that signs new audit rows.
    pub(crate) fn chain_key(&self) -> (KeyId, hmac::Key) {
        let key = self.sealing();
        (key.id, key.chain.clone())
    }

    /// The key that signed an older audit row.
    pub(crate) fn chain_key_of(&self, id: KeyId) -> Option<hmac::Key> {
        let ring = self.ring();
        match ring.retired.iter().find(|(retired, _)| *retired == id) {
            Some((_, chain)) => Some(chain.clone()),
            None => self.find(id).map(|key| key.chain.clone()),
        }
    }

    /// Everything that checks audit rows.
    pub(crate) fn chain_keys(&self) -> Vec<hmac::Key> {
        let ring = self.ring();
        let retired = ring.retired.iter().map(|(_, chain)| chain.clone());
        let keys = ring.keys.iter().map(|key| key.chain.clone());
        keys.chain(retired).collect()
    }

    /// Takes in what checks the audit rows of a key that is retired.
    pub(crate) fn remember(&self, id: KeyId, chain: &[u8]) {
        let chain = hmac::Key::new(hmac::HMAC_SHA256, chain);
        self.change_ring(|ring| ring.retired.push((id, chain)));
    }

    /// Reads the key file again: its first key seals from now on, and those that were known still open.
    pub(crate) fn follow(&self) -> Result<(), Error> {
        let Some(raw) = file::read(&self.path)? else {
            return Ok(());
        };
        self.change_ring(|ring| {
            let mut keys: Vec<Arc<InstallationKey>> = Vec::new();
            for raw in &raw {
                let id = id_of(&extract(raw));
                let known = ring.keys.iter().find(|key| key.id == id).cloned();
                keys.push(known.unwrap_or_else(|| Arc::new(InstallationKey::derive(raw))));
            }
            let gone = |key: &&Arc<InstallationKey>| !keys.iter().any(|kept| kept.id == key.id);
            let gone: Vec<_> = ring.keys.iter().filter(gone).cloned().collect();
            keys.extend(gone);
            ring.keys = keys;
        });
        Ok(())
    }

    /// Writes a new key into the file, before the others, unless somebody has put one there; it seals from now on.
    pub(crate) fn rotate(&self) -> Result<KeyId, Error> {
        let before = self.sealing_id();
        let mut raw = file::must_read(&self.path)?;
        if raw.first().map(|raw| id_of(&extract(raw))) == Some(before) {
            raw.insert(0, Zeroizing::new(random_bytes()));
            file::replace(&self.path, &raw)?;
        }
        self.follow()?;
        Ok(self.sealing_id())
    }

    /// Names the keys in the file that seal nothing any more.
    pub(crate) fn older_ids(&self) -> Result<Vec<KeyId>, Error> {
        let raw = file::read(&self.path)?.unwrap_or_default();
        Ok(raw.iter().skip(1).map(|raw| id_of(&extract(raw))).collect())
    }

    /// The keys in the file that seal nothing any more, with what checks their audit rows.
    pub(crate) fn older_chains(&self) -> Result<Vec<(KeyId, RawKey)>, Error> {
        let raw = file::read(&self.path)?.unwrap_or_default();
        let chain = |raw: &RawKey| {
            let secret = extract(raw);
            (id_of(&secret), chain_of(&secret))
        };
        Ok(raw.iter().skip(1).map(chain).collect())
    }

    /// Takes keys out of the file.
    pub(crate) fn retire(&self, ids: &[KeyId]) -> Result<(), Error> {
        let mut raw = file::must_read(&self.path)?;
        raw.retain(|raw| !ids.contains(&id_of(&extract(raw))));
        file::replace(&self.path, &raw)
    }

    /// Stands for a text that is to be recognised but not kept; without the key it can't be guessed.
    pub(crate) fn fingerprint(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.sealing().names, text.as_bytes())
            .as_ref()
            .to_vec()
    }

    /// Signs what a link says, in letters that stand in a URL as they are.
    pub(crate) fn sign_link(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.sealing().links, text.as_bytes()))
    }

    /// Tells, in constant time, whether one of our keys signed what a link says.
    pub(crate) fn is_link(&self, text: &str, signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        let signed = |key: &Arc<InstallationKey>| {
            hmac::verify(&key.links, text.as_bytes(), &signature).is_ok()
        };
        self.ring().keys.iter().any(signed)
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
            let raw = file::read(&path)?.ok_or_else(|| Error::KeyMissing { path: path.clone() })?;
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
        match file::create(&path, &raw) {
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

#[cfg(test)]
mod tests;
