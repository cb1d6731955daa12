//! Seeded users: user `i` of a seed is computed whenever it is asked for, so that a
//! million of them take no memory. Ids and user principal names are invertible: a look-up
//! computes the index back and checks it. Changed and created users live in `directory`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::guid::Guid;

/// The verified domain of the tenant.
pub(crate) const DOMAIN: &str = "contoso.example";
/// The tenant's display name.
pub(crate) const TENANT_NAME: &str = "Contoso (SANDBOX)";
/// How many users a sandbox can have.
pub(crate) const MOST_USERS: u32 = 1_000_000;

const ADMINISTRATOR: u32 = 0;
const GUEST: u32 = 5;
/// Everybody but the first has one manager and a manager has at most this many reports.
const SPAN_OF_CONTROL: u32 = 7;

/// A user object of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: Guid,
    pub(crate) display_name: String,
    pub(crate) given_name: Option<String>,
    pub(crate) surname: Option<String>,
    pub(crate) principal_name: String,
    pub(crate) mail: Option<String>,
    pub(crate) mail_nickname: Option<String>,
    pub(crate) job_title: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) company_name: Option<String>,
    pub(crate) office_location: Option<String>,
    pub(crate) employee_id: Option<String>,
    pub(crate) mobile_phone: Option<String>,
    pub(crate) business_phones: Vec<String>,
    pub(crate) preferred_language: Option<String>,
    pub(crate) usage_location: Option<String>,
    pub(crate) account_enabled: bool,
    pub(crate) kind: UserType,
    pub(crate) role: DirectoryRole,
    pub(crate) created: Timestamp,
    pub(crate) manager: Option<Guid>,
}

/// Member of the organisation or guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UserType {
    Member,
    Guest,
}

/// What a user may do to the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DirectoryRole {
    Ordinary,
    GlobalAdministrator,
}

/// Computes the users of a seed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Generator {
    seed: u64,
    count: u32,
}

impl Generator {
    /// The generator for `count` users.
    pub(crate) fn new(seed: u64, count: u32) -> Generator {
        Generator { seed, count }
    }

    /// How many users there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// A GUID that depends on the seed and a name only.
    pub(crate) fn named_guid(&self, name: &str) -> Guid {
        let digest = crate::seal::sha256(format!("{}/{name}", self.seed).as_bytes());
        let mut bits = [0; 16];
        bits.copy_from_slice(&digest[..16]);
        Guid::version_4(u128::from_be_bytes(bits))
    }

    /// The id of user `index`.
    pub(crate) fn id(&self, index: u32) -> Guid {
        let front = permute(index, 16, self.key(1));
        let middle = self.number(2, index);
        let back = self.number(3, index);
        Guid::version_4(u128::from(front) << 96 | u128::from(low(middle)) << 64 | u128::from(back))
    }

    /// The index of the user with this id.
    pub(crate) fn index_of_id(&self, id: Guid) -> Option<u32> {
        let front = u32::try_from(id.bits() >> 96).ok()?;
        let index = restore(front, 16, self.key(1));
        (index < self.count && self.id(index) == id).then_some(index)
    }

    /// The index of the user with this user principal name, whatever its case.
    pub(crate) fn index_of_name(&self, name: &str) -> Option<u32> {
        let name = name.to_ascii_lowercase();
        let local = name.strip_suffix(&format!("@{DOMAIN}"))?;
        let local = local
            .strip_suffix("_fabrikam.example#ext#")
            .unwrap_or(local);
        let letters = local.trim_end_matches(|c: char| c.is_ascii_digit());
        let block: u32 = match &local[letters.len()..] {
            "" => 0,
            digits => digits.parse::<u32>().ok()?.checked_sub(1)?,
        };
        let (given, surname) = letters.split_once('.')?;
        let given = GIVEN.iter().position(|(_, ascii)| *ascii == given)?;
        let (front, back) = SURNAME_FRONT.iter().enumerate().find_map(|(front, text)| {
            let rest = surname.strip_prefix(&text.to_ascii_lowercase())?;
            Some((front, SURNAME_BACK.iter().position(|back| *back == rest)?))
        })?;
        let combination = u32::try_from(((front << 4) | back) << 6 | given).ok()?;
        let index = block.checked_mul(1 << 14)? + restore(combination, 7, self.key(4));
        (index < self.count && self.principal_name(index).eq_ignore_ascii_case(&name))
            .then_some(index)
    }

    /// The password of user `index`: visibly fake.
    pub(crate) fn password(&self, index: u32) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut number = self.number(5, index);
        let mut text = String::from("Sandbox-");
        for _ in 0..8 {
            text.push(char::from(LETTERS[(number & 31) as usize]));
            number >>= 5;
        }
        text
    }

    /// User `index`, computed.
    pub(crate) fn user(&self, index: u32) -> User {
        let (given, surname, nickname) = self.name(index);
        let number = self.number(6, index);
        let pick = |shift: u32, length: usize| low(number >> shift) as usize % length;
        let (department, titles) = DEPARTMENTS[pick(0, DEPARTMENTS.len())];
        let user_type = Self::user_type(index);
        let role = if index == ADMINISTRATOR {
            DirectoryRole::GlobalAdministrator
        } else {
            DirectoryRole::Ordinary
        };
        let member = user_type == UserType::Member;
        let reachable = pick(8, 16) != 0 || index < 4;
        User {
            id: self.id(index),
            display_name: format!("{given} {surname}"),
            mail: match user_type {
                UserType::Guest => Some(format!("{nickname}@fabrikam.example")),
                UserType::Member if reachable => Some(format!("{nickname}@{DOMAIN}")),
                UserType::Member => None,
            },
            principal_name: self.principal_name(index),
            mail_nickname: Some(nickname),
            job_title: match role {
                DirectoryRole::GlobalAdministrator => Some("IT Administrator".to_owned()),
                DirectoryRole::Ordinary => {
                    (pick(12, 11) != 0).then(|| titles[pick(16, titles.len())].to_owned())
                }
            },
            department: member.then(|| department.to_owned()),
            company_name: Some(if member { "Contoso" } else { "Fabrikam" }.to_owned()),
            office_location: member
                .then(|| format!("{}/{}", pick(20, 40) + 1, 1000 + pick(26, 900))),
            employee_id: member.then(|| format!("{:07}", index + 1)),
            mobile_phone: (pick(36, 5) == 0).then(|| format!("+1 555 01{:02}", pick(38, 100))),
            business_phones: if member {
                vec![format!("+1 555 01{:02}", pick(46, 100))]
            } else {
                Vec::new()
            },
            preferred_language: [Some("en-US"), Some("de-DE"), Some("fr-FR"), None][pick(54, 4)]
                .map(str::to_owned),
            usage_location: member.then(|| "US".to_owned()),
            given_name: Some(given),
            surname: Some(surname),
            account_enabled: true,
            kind: user_type,
            role,
            created: self.created(index),
            manager: Self::manager(index).map(|manager| self.id(manager)),
        }
    }

    /// The display name of user `index`, without computing the rest.
    pub(crate) fn display_name(&self, index: u32) -> String {
        let (given, surname, _) = self.name(index);
        format!("{given} {surname}")
    }

    /// The user principal name of user `index`, without computing the rest.
    pub(crate) fn principal_name(&self, index: u32) -> String {
        let (_, _, nickname) = self.name(index);
        match Self::user_type(index) {
            UserType::Member => format!("{nickname}@{DOMAIN}"),
            UserType::Guest => format!("{nickname}_fabrikam.example#EXT#@{DOMAIN}"),
        }
    }

    fn user_type(index: u32) -> UserType {
        if index == GUEST || (index > 25 && index % 50 == 45) {
            UserType::Guest
        } else {
            UserType::Member
        }
    }

    fn manager(index: u32) -> Option<u32> {
        let manager = index.checked_sub(1)? / SPAN_OF_CONTROL;
        // A guest leads nobody: whom the tree puts below one reports to the top.
        Some(match Self::user_type(manager) {
            UserType::Member => manager,
            UserType::Guest => ADMINISTRATOR,
        })
    }

    fn created(&self, index: u32) -> Timestamp {
        const DAY_ONE: i64 = 1_704_096_000; // 2024-01-01T08:00:00Z
        let offset = i64::from(low(self.number(7, index)) % (500 * 86_400));
        Timestamp::from_second(DAY_ONE)
            .and_then(|day_one| day_one.checked_add(SignedDuration::from_secs(offset)))
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Given name, surname and the local part of the address.
    fn name(&self, index: u32) -> (String, String, String) {
        let combination = permute(index & 0x3fff, 7, self.key(4));
        let (given, ascii) = GIVEN[(combination & 63) as usize];
        let front = SURNAME_FRONT[(combination >> 10) as usize];
        let back = SURNAME_BACK[(combination >> 6) as usize & 15];
        let block = index >> 14;
        let mut nickname = format!("{ascii}.{}{back}", front.to_ascii_lowercase());
        if block > 0 {
            nickname.push_str(&(block + 1).to_string());
        }
        (given.to_owned(), format!("{front}{back}"), nickname)
    }

    fn key(&self, stream: u64) -> u64 {
        mix(self.seed ^ mix(stream))
    }

    fn number(&self, stream: u64, index: u32) -> u64 {
        mix(self.key(stream) ^ u64::from(index))
    }
}

/// A well-mixed 64-bit number (the finalizer of `SplitMix64`).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The lower half of a number.
fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

const ROUNDS: u64 = 4;

/// A permutation of the numbers of `2 * half` bits (a Feistel network).
fn permute(value: u32, half: u32, key: u64) -> u32 {
    let mask = (1_u32 << half) - 1;
    let (mut left, mut right) = (value >> half, value & mask);
    for round in 0..ROUNDS {
        (left, right) = (
            right,
            left ^ (low(mix(key ^ (round << 40) ^ u64::from(right))) & mask),
        );
    }
    left << half | right
}

/// Undoes `permute`.
fn restore(value: u32, half: u32, key: u64) -> u32 {
    let mask = (1_u32 << half) - 1;
    let (mut left, mut right) = (value >> half, value & mask);
    for round in (0..ROUNDS).rev() {
        (left, right) = (
            right ^ (low(mix(key ^ (round << 40) ^ u64::from(left))) & mask),
            left,
        );
    }
    left << half | right
}

const GIVEN: [(&str, &str); 64] = [
    ("Ada", "ada"),
    ("Adil", "adil"),
    ("Ægir", "aegir"),
    ("Aiko", "aiko"),
    ("Alma", "alma"),
    ("Amal", "amal"),
    ("Anouk", "anouk"),
    ("Ansel", "ansel"),
    ("Beatriz", "beatriz"),
    ("Bodil", "bodil"),
    ("Bram", "bram"),
    ("Carmen", "carmen"),
    ("Chidi", "chidi"),
    ("Chloé", "chloe"),
    ("Dagny", "dagny"),
    ("Dario", "dario"),
    ("Dilek", "dilek"),
    ("Edda", "edda"),
    ("Eero", "eero"),
    ("Elif", "elif"),
    ("Emil", "emil"),
    ("Farah", "farah"),
    ("Finn", "finn"),
    ("Freya", "freya"),
    ("Gita", "gita"),
    ("Hana", "hana"),
    ("Hugo", "hugo"),
    ("Ida", "ida"),
    ("Ilse", "ilse"),
    ("Imani", "imani"),
    ("Ines", "ines"),
    ("Ivo", "ivo"),
    ("Jasper", "jasper"),
    ("Jorun", "jorun"),
    ("José", "jose"),
    ("Kaito", "kaito"),
    ("Kamila", "kamila"),
    ("Lars", "lars"),
    ("Leila", "leila"),
    ("Łukasz", "lukasz"),
    ("Mara", "mara"),
    ("Mateo", "mateo"),
    ("Mei", "mei"),
    ("Milan", "milan"),
    ("Nadia", "nadia"),
    ("Niko", "niko"),
    ("Noor", "noor"),
    ("Olga", "olga"),
    ("Omar", "omar"),
    ("Petra", "petra"),
    ("Quentin", "quentin"),
    ("Rania", "rania"),
    ("Rosa", "rosa"),
    ("Runa", "runa"),
    ("Sanjay", "sanjay"),
    ("Selma", "selma"),
    ("Søren", "soren"),
    ("Tarek", "tarek"),
    ("Thea", "thea"),
    ("Tomas", "tomas"),
    ("Uma", "uma"),
    ("Vera", "vera"),
    ("Yusuf", "yusuf"),
    ("Zoë", "zoe"),
];

// Surnames are composed, so that they belong to nobody in particular. No front may be the
// beginning of another one: names are taken apart again.
const SURNAME_FRONT: [&str; 16] = [
    "Alder", "Birch", "Cinder", "Dapple", "Ember", "Fallow", "Glimmer", "Hazel", "Iron", "Juniper",
    "Kestrel", "Linden", "Maple", "North", "Otter", "Quill",
];
const SURNAME_BACK: [&str; 16] = [
    "bank", "brook", "crest", "dale", "field", "ford", "gate", "grove", "hurst", "mere", "moor",
    "ridge", "shaw", "stead", "wick", "worth",
];

const DEPARTMENTS: [(&str, &[&str]); 8] = [
    (
        "Engineering",
        &["Engineer", "Senior Engineer", "Test Engineer", "Architect"],
    ),
    ("Finance", &["Accountant", "Controller", "Analyst"]),
    ("Human Resources", &["Recruiter", "HR Partner"]),
    ("Legal", &["Counsel", "Paralegal"]),
    ("Marketing", &["Designer", "Editor", "Campaign Manager"]),
    ("Operations", &["Planner", "Dispatcher", "Site Manager"]),
    (
        "Sales",
        &["Account Manager", "Sales Representative", "Sales Assistant"],
    ),
    ("Support", &["Support Engineer", "Service Manager"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_and_names_lead_back_to_the_index() {
        let users = Generator::new(7, MOST_USERS);
        for index in (0..200).chain([16_383, 16_384, 40_000, 999_995, 999_999]) {
            assert_eq!(users.index_of_id(users.id(index)), Some(index));
            assert_eq!(
                users.index_of_name(&users.principal_name(index).to_uppercase()),
                Some(index)
            );
            let user = users.user(index);
            assert_eq!(user.display_name, users.display_name(index));
            assert_eq!(user.principal_name, users.principal_name(index));
        }
    }

    #[test]
    fn nobody_else_is_found() {
        let users = Generator::new(7, 50);
        assert_eq!(users.index_of_id(Generator::new(7, 51).id(50)), None);
        assert_eq!(users.index_of_id(Generator::new(8, 50).id(3)), None);
        for name in [
            "",
            "ada",
            "ada.alderwick0@contoso.example",
            "ada.alderwick1@contoso.example",
            "x.y@contoso.example",
            "@contoso.example",
        ] {
            assert_eq!(users.index_of_name(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_unique() {
        let users = Generator::new(1, MOST_USERS);
        let names: HashSet<String> = (0..40_000)
            .map(|index| users.principal_name(index))
            .collect();
        assert_eq!(names.len(), 40_000);
    }

    #[test]
    fn the_first_ones_have_their_parts() {
        let users = Generator::new(1, 50);
        assert_eq!(users.user(0).role, DirectoryRole::GlobalAdministrator);
        assert_eq!(users.user(0).manager, None);
        assert_eq!(
            (0..25)
                .filter(|index| users.user(*index).kind == UserType::Guest)
                .count(),
            1
        );
        assert_eq!(users.user(9).manager, Some(users.id(1)));
        assert_eq!(users.user(36).manager, Some(users.id(0)), "not the guest");
        assert_ne!(Generator::new(2, 50).user(1), users.user(1));
        assert_eq!(Generator::new(1, 9).user(1), users.user(1));
    }
}
