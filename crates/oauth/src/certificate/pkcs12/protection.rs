//! How a PKCS#12 file is protected: keys from a password (RFC 7292 appendix B, RFC 8018 §5.2) and what is encrypted with them.
//!
//! AES and the digests are aws-lc's. Triple DES and RC2, which it does not offer here, are needed to read what old programs
//! wrote; nothing is ever encrypted with them.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use aws_lc_rs::{hmac, pbkdf2};
use des::cipher::{Array, BlockCipherDecrypt, BlockSizeUser, KeyInit as _, consts::U8};
use des::{TdesEde2, TdesEde3};
use rc2::Rc2;
use zeroize::Zeroizing;

use super::CertificateError;
use crate::certificate::der::{
    OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, element, expect, positive_integer,
};

/// Rounds of hashing that all derived keys of one file may take together: about two seconds. A file has three derived keys
/// (integrity, certificates, key); programs ask for 2,000 to 600,000 rounds each, an old scheme for up to three times that.
const ROUNDS: u64 = 5_000_000;

/// `ID` of RFC 7292 §B.3: what a derived key is for.
const KEY: u8 = 1;
const INITIAL_VECTOR: u8 = 2;
pub(super) const MAC: u8 = 3;

/// 1.2.840.113549.1.12.1, `pkcs-12PbeIds`; the last number says which.
const PKCS12_PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
/// 1.2.840.113549.1.5.13 and .12, `PBES2` and `PBKDF2`.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
/// 1.2.840.113549.2, `digestAlgorithm`: of RSA's digests and HMACs.
const RSA_DIGESTS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// 1.2.840.113549.3.7, `des-ede3-cbc`.
const TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
/// 2.16.840.1.101.3.4.1 and .2: NIST's ciphers and digests.
const NIST_CIPHERS: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
const NIST_DIGESTS: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
/// 1.3.14.3.2.26, SHA-1.
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];

const UNREADABLE: CertificateError = CertificateError::Unreadable("PKCS#12 file");

/// What is left of the work that a file may ask for.
pub(super) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(ROUNDS)
    }
}

impl Budget {
    /// Takes the work of deriving blocks out of so many bytes in so many rounds each; refuses before anything is derived.
    fn spend(
        &mut self,
        iterations: u32,
        input: usize,
        blocks: usize,
    ) -> Result<(), CertificateError> {
        let each = u64::from(iterations).saturating_add(input as u64 / 64 + 1);
        let left = self.0.checked_sub(each.saturating_mul(blocks as u64));
        self.0 = left.ok_or(CertificateError::TooCostly)?;
        Ok(())
    }
}

/// A password in the two ways in which it is hashed.
pub(super) struct Password<'a> {
    /// As PBES2 takes it: UTF-8, as programs have agreed.
    text: &'a str,
    /// As RFC 7292 §B.1 takes it: big-endian UTF-16 with a final zero.
    wide: Zeroizing<Vec<u8>>,
}

impl<'a> Password<'a> {
    /// What a password may mean: no password is an empty text to some programs and nothing at all to others.
    pub(super) fn readings(text: &'a str) -> impl Iterator<Item = Self> {
        let wide = text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes);
        let as_text = Zeroizing::new(wide.collect::<Vec<u8>>());
        let as_nothing = text.is_empty().then(|| Zeroizing::new(Vec::new()));
        std::iter::once(as_text)
            .chain(as_nothing)
            .map(move |wide| Self { text, wide })
    }
}

/// A digest as each of its users names it.
#[derive(Clone, Copy)]
pub(super) struct DigestKind {
    pub(super) digest: &'static digest::Algorithm,
    pub(super) hmac: hmac::Algorithm,
    pbkdf2: pbkdf2::Algorithm,
}

const OF_SHA1: DigestKind = DigestKind {
    digest: &SHA1_FOR_LEGACY_USE_ONLY,
    hmac: hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
    pbkdf2: pbkdf2::PBKDF2_HMAC_SHA1,
};
const OF_SHA256: DigestKind = DigestKind {
    digest: &SHA256,
    hmac: hmac::HMAC_SHA256,
    pbkdf2: pbkdf2::PBKDF2_HMAC_SHA256,
};
const OF_SHA384: DigestKind = DigestKind {
    digest: &SHA384,
    hmac: hmac::HMAC_SHA384,
    pbkdf2: pbkdf2::PBKDF2_HMAC_SHA384,
};
const OF_SHA512: DigestKind = DigestKind {
    digest: &SHA512,
    hmac: hmac::HMAC_SHA512,
    pbkdf2: pbkdf2::PBKDF2_HMAC_SHA512,
};

/// The digest of an object identifier.
pub(super) fn digest_of(id: &[u8]) -> Option<DigestKind> {
    match id.strip_prefix(NIST_DIGESTS) {
        Some([1]) => Some(OF_SHA256),
        Some([2]) => Some(OF_SHA384),
        Some([3]) => Some(OF_SHA512),
        _ => (id == SHA1).then_some(OF_SHA1),
    }
}

/// What a file says of how its keys come from its password.
#[derive(Clone, Copy)]
pub(super) struct Recipe<'a> {
    pub(super) kind: DigestKind,
    pub(super) salt: &'a [u8],
    pub(super) iterations: u32,
}

/// Derives a key as RFC 7292 §B.2 does; the letters are its own.
pub(super) fn derive(
    recipe: Recipe<'_>,
    id: u8,
    password: &Password<'_>,
    budget: &mut Budget,
    out: &mut [u8],
) -> Result<(), CertificateError> {
    let Recipe {
        kind,
        salt,
        iterations,
    } = recipe;
    let v = kind.digest.block_len();
    let fill = |text: &[u8]| {
        let length = text.len().next_multiple_of(v);
        text.iter()
            .copied()
            .cycle()
            .take(length)
            .collect::<Vec<u8>>()
    };
    let mut input = Zeroizing::new(fill(salt));
    input.extend_from_slice(&Zeroizing::new(fill(&password.wide)));
    let blocks = out.len().div_ceil(kind.digest.output_len());
    budget.spend(iterations, input.len(), blocks)?;
    for block in out.chunks_mut(kind.digest.output_len()) {
        let mut context = digest::Context::new(kind.digest);
        context.update(&vec![id; v]);
        context.update(&input);
        let mut a = context.finish();
        for _ in 1..iterations {
            a = digest::digest(kind.digest, a.as_ref());
        }
        block.copy_from_slice(&a.as_ref()[..block.len()]);
        let b: Vec<u8> = a.as_ref().iter().copied().cycle().take(v).collect();
        for part in input.chunks_mut(v) {
            // I = (I + B + 1) mod 2^v
            let mut carry = 1;
            for (byte, add) in part.iter_mut().zip(&b).rev() {
                let sum = u16::from(*byte) + u16::from(*add) + carry;
                *byte = sum.to_be_bytes()[1];
                carry = sum >> 8;
            }
        }
    }
    Ok(())
}

/// Decrypts what an `AlgorithmIdentifier` (its content) says; the answer is one whole element.
pub(super) fn decrypt(
    algorithm: &[u8],
    sealed: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let (id, parameters) = expect(algorithm, OBJECT_IDENTIFIER).ok_or(UNREADABLE)?;
    let (parameters, _) = expect(parameters, SEQUENCE).ok_or(UNREADABLE)?;
    let opened = if id == PBES2 {
        pbes2(parameters, sealed, password, budget)?
    } else if let Some([which]) = id.strip_prefix(PKCS12_PBE) {
        pkcs12_pbe(*which, parameters, sealed, password, budget)?
    } else {
        return Err(CertificateError::Unsupported);
    };
    // Padding is right by chance once in 256 wrong keys, a whole element hardly ever.
    match element(&opened) {
        Some((SEQUENCE, _, [])) => Ok(opened),
        _ => Err(CertificateError::PasswordWrong),
    }
}

/// The schemes of RFC 7292 appendix C, all with SHA-1.
fn pkcs12_pbe(
    which: u8,
    parameters: &[u8],
    sealed: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let (salt, rest) = expect(parameters, OCTET_STRING).ok_or(UNREADABLE)?;
    let (iterations, _) = rounds(rest)?;
    let key_length = match which {
        3 => 24,
        4 | 5 => 16,
        6 => 5,
        // 1 and 2 are RC4, which no program writes any more.
        _ => return Err(CertificateError::Unsupported),
    };
    let mut key = Zeroizing::new(vec![0; key_length]);
    let mut iv = [0; 8];
    let recipe = Recipe {
        kind: OF_SHA1,
        salt,
        iterations,
    };
    derive(recipe, KEY, password, budget, &mut key)?;
    derive(recipe, INITIAL_VECTOR, password, budget, &mut iv)?;
    match which {
        3 => cbc(
            &TdesEde3::new_from_slice(&key).map_err(|_| UNREADABLE)?,
            iv,
            sealed,
        ),
        4 => cbc(
            &TdesEde2::new_from_slice(&key).map_err(|_| UNREADABLE)?,
            iv,
            sealed,
        ),
        _ => cbc(&Rc2::new_with_eff_key_len(&key, key.len() * 8), iv, sealed),
    }
}

/// RFC 8018 §6.2, with PBKDF2. Scrypt is not read: what it costs in memory is the file's to say, and no program exports it.
fn pbes2(
    parameters: &[u8],
    sealed: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let (function, rest) = expect(parameters, SEQUENCE).ok_or(UNREADABLE)?;
    let (scheme, _) = expect(rest, SEQUENCE).ok_or(UNREADABLE)?;
    let (id, function) = expect(function, OBJECT_IDENTIFIER).ok_or(UNREADABLE)?;
    if id != PBKDF2 {
        return Err(CertificateError::Unsupported);
    }
    let (function, _) = expect(function, SEQUENCE).ok_or(UNREADABLE)?;
    let (salt, rest) = expect(function, OCTET_STRING).ok_or(UNREADABLE)?;
    let (iterations, rest) = rounds(rest)?;
    // The key's length may stand between; the cipher says it too.
    let rest = positive_integer(rest).map_or(rest, |(_, rest)| rest);
    let kind = match expect(rest, SEQUENCE) {
        None => OF_SHA1,
        Some((prf, _)) => {
            let (id, _) = expect(prf, OBJECT_IDENTIFIER).ok_or(UNREADABLE)?;
            match id.strip_prefix(RSA_DIGESTS) {
                Some([7]) => OF_SHA1,
                Some([9]) => OF_SHA256,
                Some([10]) => OF_SHA384,
                Some([11]) => OF_SHA512,
                _ => return Err(CertificateError::Unsupported),
            }
        }
    };
    let (cipher, iv) = expect(scheme, OBJECT_IDENTIFIER).ok_or(UNREADABLE)?;
    let (iv, _) = expect(iv, OCTET_STRING).ok_or(UNREADABLE)?;
    let derived = |length: usize, budget: &mut Budget| {
        let mut key = Zeroizing::new(vec![0; length]);
        let blocks = length.div_ceil(kind.digest.output_len());
        budget.spend(iterations, salt.len() + password.text.len(), blocks)?;
        let iterations = NonZeroU32::new(iterations).ok_or(UNREADABLE)?;
        pbkdf2::derive(
            kind.pbkdf2,
            iterations,
            salt,
            password.text.as_bytes(),
            &mut key,
        );
        Ok::<_, CertificateError>(key)
    };
    if cipher == TRIPLE_DES {
        let iv = iv.try_into().map_err(|_| UNREADABLE)?;
        let key = derived(24, budget)?;
        return cbc(
            &TdesEde3::new_from_slice(&key).map_err(|_| UNREADABLE)?,
            iv,
            sealed,
        );
    }
    let (aes, length) = match cipher.strip_prefix(NIST_CIPHERS) {
        Some([2]) => (&AES_128, 16),
        Some([22]) => (&AES_192, 24),
        Some([42]) => (&AES_256, 32),
        _ => return Err(CertificateError::Unsupported),
    };
    let iv: [u8; 16] = iv.try_into().map_err(|_| UNREADABLE)?;
    aes_cbc(aes, &derived(length, budget)?, iv, sealed)
}

/// Decrypts AES in CBC mode and takes the padding off.
fn aes_cbc(
    aes: &'static Algorithm,
    key: &[u8],
    iv: [u8; 16],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let mut bytes = Zeroizing::new(sealed.to_vec());
    let key = UnboundCipherKey::new(aes, key)
        .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
        .map_err(|_| UNREADABLE)?;
    let length = key
        .decrypt(&mut bytes, DecryptionContext::Iv128(iv.into()))
        .map_err(|_| CertificateError::PasswordWrong)?
        .len();
    bytes.truncate(length);
    Ok(bytes)
}

/// Decrypts a cipher of eight bytes in CBC mode and takes the padding off (RFC 8018 §6.1.1).
fn cbc<C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U8>>(
    cipher: &C,
    iv: [u8; 8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(sealed.len()));
    let (blocks, rest) = sealed.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(UNREADABLE);
    }
    let mut before = iv;
    for sealed in blocks {
        let mut block = Array::from(*sealed);
        cipher.decrypt_block(&mut block);
        bytes.extend(block.iter().zip(before).map(|(byte, before)| byte ^ before));
        before = *sealed;
    }
    let padding = bytes.last().copied().unwrap_or_default();
    let kept = bytes.len().checked_sub(usize::from(padding));
    match kept {
        Some(kept)
            if (1..=8).contains(&padding) && bytes[kept..].iter().all(|byte| *byte == padding) =>
        {
            bytes.truncate(kept);
            Ok(bytes)
        }
        _ => Err(CertificateError::PasswordWrong),
    }
}

/// A number of rounds, at least one, and what follows it.
fn rounds(bytes: &[u8]) -> Result<(u32, &[u8]), CertificateError> {
    // More than 32 bits is more than any budget.
    match positive_integer(bytes) {
        Some((0, _)) => Err(UNREADABLE),
        Some(read) => Ok(read),
        None => Err(CertificateError::TooCostly),
    }
}
