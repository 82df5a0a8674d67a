//! States of keys, and the choice among ways to decrypt.
#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::drm::Pssh;
use crate::engine::licence::Needs;
use crate::engine::requests::Jobs;
use crate::model::{AdaptationSet, MediaKind, Period, Presentation, Resource, SegmentEncryption};
use crate::time::Now;

const WANTED: KeyId = KeyId([1; 16]);
const OTHER: KeyId = KeyId([2; 16]);

fn key(byte: u8) -> ContentKey {
    ContentKey::new(&[byte; 16]).unwrap()
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn source(address: &str) -> KeySource {
    KeySource::Resource(Resource::new(url(address)))
}

fn licensed(id: Option<KeyId>, byte: u8) -> LicensedKey {
    LicensedKey { id, key: key(byte) }
}

fn way(method: EncryptionMethod, system: KeySystem, source: KeySource) -> SegmentKey {
    SegmentKey { method, system, source, iv: None, key_id: None }
}

fn protection(system: Option<KeySystem>, key_ids: &[KeyId], servers: &[&str]) -> Protection {
    Protection {
        scheme_id: String::new(),
        system,
        scheme: None,
        key_ids: key_ids.to_vec(),
        pssh: Vec::new(),
        licence_urls: servers.iter().map(|server| url(server)).collect(),
        key: None,
    }
}

fn representation(protection: Vec<Protection>) -> Representation {
    let protection = protection.into_iter().map(std::sync::Arc::new).collect();
    Representation { protection, ..Representation::for_tests("v", 1) }
}

fn config(keys: &[(KeyId, u8)], servers: &[&str]) -> DrmConfig {
    DrmConfig {
        keys: keys.iter().map(|(id, byte)| (*id, key(*byte))).collect(),
        licence_servers: servers.iter().map(|server| url(server)).collect(),
    }
}

#[test]
fn a_licence_that_lacks_a_key_makes_that_one_unavailable_and_no_other() {
    let (job, later) = (JobId::for_tests(1), JobId::for_tests(2));
    let mut keys = Keys::default();
    keys.set(WANTED, KeyState::Asked(job));
    keys.set(OTHER, KeyState::Asked(later));
    assert_eq!((keys.asked_of(job), keys.asked_of(later)), (vec![WANTED], vec![OTHER]));
    assert!(keys.ready(WANTED).is_none() && keys.gone(WANTED).is_none() && !keys.any_gone());
    let third = KeyId([3; 16]);
    keys.arrived(job, &[licensed(Some(third), 9)]);
    let error = keys.gone(WANTED).unwrap();
    assert_eq!((error.code, error.context.stage), (ErrorCode::KeyUnavailable, Some(Stage::Licence)));
    assert_eq!(error.context.key_id, Some(WANTED.to_string()));
    assert!(keys.any_gone() && keys.asked_of(job).is_empty());
    assert_eq!(keys.ready(third), Some(&key(9)), "what came unasked is kept");
    assert_eq!(keys.asked_of(later), [OTHER], "another request goes on");
    keys.arrived(later, &[licensed(Some(OTHER), 4)]);
    assert_eq!(keys.ready(OTHER), Some(&key(4)));
}

#[test]
fn a_key_that_comes_after_all_is_gone_no_more() {
    let mut keys = Keys::default();
    let error = keys.missing(Some(WANTED), &[]);
    let gone = || KeyState::Gone(Box::new(error.clone()));
    for id in [WANTED, OTHER, WANTED] {
        keys.set(id, gone());
        assert!(keys.any_gone());
    }
    keys.arrived(JobId::for_tests(1), &[licensed(Some(WANTED), 5)]);
    assert!(keys.any_gone() && keys.gone(WANTED).is_none(), "the other one is gone still");
    keys.set(OTHER, KeyState::Asked(JobId::for_tests(2)));
    assert!(!keys.any_gone());
    keys.set(OTHER, gone());
    assert!(keys.any_gone());
}

#[test]
fn a_key_without_a_name_is_the_one_that_was_asked_for() {
    let (job, later) = (JobId::for_tests(1), JobId::for_tests(2));
    let mut keys = Keys::default();
    keys.set(WANTED, KeyState::Asked(job));
    keys.set(OTHER, KeyState::Asked(later));
    keys.arrived(job, &[licensed(None, 7)]);
    assert_eq!(keys.ready(WANTED), Some(&key(7)));
    assert!(keys.ready(OTHER).is_none() && !keys.any_gone());
}

#[test]
fn keys_at_addresses_have_a_name_each_and_none_for_people() {
    let mut keys = Keys::default();
    let first = keys.name_of(&source("http://k/1"));
    let names: Vec<KeyId> = (2..600).map(|at| keys.name_of(&source(&format!("http://k/{at}")))).collect();
    assert_eq!(keys.name_of(&source("http://k/1")), first, "the same again");
    assert_eq!(keys.name_of(&source("http://k/599")), names[597]);
    let distinct: std::collections::BTreeSet<KeyId> = names.iter().copied().chain([first]).collect();
    assert_eq!(distinct.len(), 599);
    assert_eq!(keys.public_name(first), None);
    assert_eq!(keys.public_name(WANTED), Some(WANTED.to_string()));
}

#[test]
fn licence_servers_of_the_host_come_first_each_once_and_only_for_systems_that_are_spoken() {
    let mut keys = Keys::new(&config(&[], &["http://host/1"]));
    let found = [
        protection(Some(KeySystem::Widevine), &[], &["http://w/"]),
        protection(Some(KeySystem::ClearKey), &[], &["http://host/1", "http://c/"]),
        protection(None, &[], &["http://n/"]),
    ];
    keys.add_servers(found.iter());
    let servers: Vec<&str> = keys.servers().iter().map(Url::as_str).collect();
    assert_eq!(servers, ["http://host/1", "http://c/", "http://n/"]);
    let many: Vec<String> = (0..20).map(|at| format!("http://m/{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    keys.add_servers([protection(None, &[], &many)].iter());
    assert_eq!(keys.servers().len(), MAX_SERVERS);
    assert_eq!(Keys::new(&config(&[], &many)).servers().len(), MAX_SERVERS);
}

#[test]
fn the_first_way_that_can_be_gone_is_taken() {
    let keys = Keys::default();
    let cbc = EncryptionMethod::Segment(SegmentCipherMode::Aes128Cbc);
    let fairplay = way(EncryptionMethod::SampleCbc, KeySystem::FairPlay, source("http://f/"));
    let opaque = way(EncryptionMethod::SampleCbc, KeySystem::Identity, KeySource::Opaque);
    let plain = way(EncryptionMethod::SampleCbc, KeySystem::Identity, source("http://k/"));
    let whole = way(cbc.clone(), KeySystem::Identity, source("http://w/"));
    assert!(matches!(keys.unlock(&[], 5), Ok(Unlock::ByKeyId)));
    match keys.unlock(&[fairplay.clone(), opaque, plain, whole.clone()], 0x0102) {
        Ok(Unlock::Samples { source: found, iv }) => {
            assert_eq!((found, u128::from_be_bytes(iv)), (source("http://k/"), 0x0102));
        }
        other => panic!("{other:?}"),
    }
    let told = SegmentKey { iv: Some([9; 16]), ..whole };
    assert!(matches!(keys.unlock(&[told], 3), Ok(Unlock::Whole { iv, .. }) if iv == [9; 16]));
    let foreign_file = way(cbc, KeySystem::ClearKey, source("http://w/"));
    assert!(keys.unlock(&[foreign_file], 0).is_err(), "whole segments know the plain key file only");
    let error = keys.unlock(&[SegmentKey { key_id: Some(WANTED), ..fairplay.clone() }], 0).unwrap_err();
    assert_eq!(error.code, ErrorCode::DrmUnsupported);
    assert_eq!(error.context.key_id, Some(WANTED.to_string()));
    let with_keys = Keys::new(&config(&[(OTHER, 1)], &[]));
    assert!(
        matches!(with_keys.unlock(std::slice::from_ref(&fairplay), 0), Ok(Unlock::ByKeyId)),
        "samples name their keys"
    );
    let with_server = Keys::new(&config(&[], &["http://l/"]));
    assert!(matches!(with_server.unlock(&[fairplay], 0), Ok(Unlock::ByKeyId)));
    let odd = way(EncryptionMethod::Other("ROT13".into()), KeySystem::Identity, source("http://k/"));
    let error = keys.unlock(&[odd], 0).unwrap_err();
    assert!(error.message.contains("ROT13"), "{}", error.message);
}

#[test]
fn a_representation_may_be_asked_for_as_long_as_no_key_of_it_is_out_of_reach() {
    let clear = representation(Vec::new());
    let named = representation(vec![protection(None, &[WANTED, OTHER], &[])]);
    let nameless = representation(vec![protection(Some(KeySystem::Widevine), &[], &[])]);
    let none = Keys::default();
    assert_eq!([&clear, &named, &nameless].map(|rep| none.may_unlock(rep)), [true, false, false]);
    let with_server = Keys::new(&config(&[], &["http://l/"]));
    assert_eq!([&clear, &named, &nameless].map(|rep| with_server.may_unlock(rep)), [true; 3]);
    let half = Keys::new(&config(&[(WANTED, 1)], &[]));
    assert_eq!([&clear, &named, &nameless].map(|rep| half.may_unlock(rep)), [true, false, true]);
    let mut both = Keys::new(&config(&[(WANTED, 1)], &["http://l/"]));
    both.set(OTHER, KeyState::Asked(JobId::for_tests(1)));
    assert!(both.may_unlock(&named));
    let error = both.missing(Some(OTHER), &[]);
    both.set(OTHER, KeyState::Gone(Box::new(error.clone())));
    assert!(!both.may_unlock(&named), "one of two is not enough");
    assert_eq!(both.refusal(&named), error);
    assert_eq!(half.refusal(&named).context.key_id, Some(OTHER.to_string()), "the one that is not here");
}

#[test]
fn an_unsupported_system_is_the_reason_only_where_the_host_supplies_no_keys() {
    let systems = [KeySystem::ClearKey, KeySystem::Widevine, KeySystem::PlayReady];
    let error = Keys::default().missing(Some(WANTED), &systems);
    assert_eq!(error.code, ErrorCode::DrmUnsupported);
    assert_eq!(error.context.feature.as_deref(), Some(KeySystem::Widevine.name()));
    assert_eq!(Keys::default().missing(None, &systems[..1]).code, ErrorCode::KeyUnavailable);
    let configured = Keys::new(&config(&[(OTHER, 1)], &[]));
    assert_eq!(configured.missing(Some(WANTED), &systems).code, ErrorCode::KeyUnavailable);
}

#[test]
fn the_keys_of_a_representation_are_those_of_its_defaults_or_the_first_that_is_listed() {
    let pssh = Pssh { system: KeySystem::Common, key_ids: vec![OTHER, WANTED] };
    let listed = Protection { pssh: vec![pssh], ..protection(Some(KeySystem::Common), &[], &[]) };
    assert_eq!(key_ids(&representation(vec![listed.clone()])), [OTHER]);
    let defaults = protection(None, &[WANTED], &[]);
    assert_eq!(key_ids(&representation(vec![listed, defaults.clone(), defaults])), [WANTED]);
    let early = way(EncryptionMethod::SampleCtr, KeySystem::Identity, source("http://k/"));
    let ahead = Protection { key: Some(early), ..protection(None, &[OTHER], &[]) };
    assert_eq!(key_ids(&representation(vec![ahead])), [], "what is only announced ahead is no default");
}

#[test]
fn an_inline_key_is_ready_if_it_has_the_length_of_its_cipher() {
    let (mut keys, mut jobs) = (Keys::default(), Jobs::default());
    let mut ready = |bytes: &[u8], length| {
        let source = KeySource::Inline(ContentKey::new(bytes).unwrap());
        let id = keys.request_key(&source, length, &mut jobs, Now::ZERO);
        keys.ready(id).is_some()
    };
    assert_eq!([ready(&[1; 16], 16), ready(&[2; 32], 32)], [true; 2]);
    assert_eq!([ready(&[3; 16], 32), ready(&[4; 32], 16)], [false; 2]);
    assert!(jobs.ids().is_empty(), "nothing is requested for an inline key");
}

#[test]
fn keys_that_have_an_address_are_requested_before_their_segments() {
    let with = |key: SegmentKey| Protection { key: Some(key), ..protection(None, &[], &[]) };
    let full = |system, source| with(way(EncryptionMethod::SampleCbc, system, source));
    let foreign = KeySystem::of_name("com.example");
    let offered = representation(vec![
        full(KeySystem::Identity, source("http://h/1.key")),
        full(KeySystem::Identity, KeySource::Opaque),
        full(foreign, source("http://h/2.key")),
        full(KeySystem::Identity, source("http://h/1.key")),
    ]);
    let set = AdaptationSet::for_tests("v", MediaKind::Video, vec![offered]);
    let presentation = Presentation::for_tests(vec![Period::new("p".into(), crate::MediaTime::ZERO, None, vec![set])]);
    let (mut keys, mut jobs) = (Keys::default(), Jobs::default());
    keys.preload(&presentation, &mut jobs, Now::ZERO);
    let wanted: Vec<_> = jobs.ids().into_iter().filter_map(|id| jobs.get(id)).map(|job| &job.resource).collect();
    assert_eq!(wanted, [&Resource::new(url("http://h/1.key"))]);
    assert!(!keys.any_gone(), "what has no address is not missing yet");
}

#[test]
fn a_failed_key_has_the_name_that_the_media_gives_it_and_one_at_an_address_has_none() {
    let job = JobId::for_tests(3);
    let mut keys = Keys::new(&DrmConfig::default());
    let addressed = keys.name_of(&source("http://h/key"));
    for id in [WANTED, addressed] {
        keys.set(id, KeyState::Asked(job));
    }
    keys.set(OTHER, KeyState::Asked(JobId::for_tests(4)));
    keys.on_failed(job, &PlayerError::fatal(ErrorCode::HttpStatus, "gone"));
    let name = |id| keys.gone(id).map(|error| error.context.key_id.clone());
    assert_eq!(name(WANTED), Some(Some(WANTED.to_string())));
    assert_eq!(name(addressed), Some(None));
    assert_eq!(name(OTHER), None, "another request asks for it");
}

#[test]
fn a_licence_is_asked_once_for_a_key_that_is_declared_twice() {
    let server = "http://keys/licence";
    let mut keys = Keys::new(&config(&[], &[server]));
    let mut jobs = Jobs::default();
    let twice = representation(vec![
        protection(None, &[WANTED, WANTED], &[server]),
        protection(None, &[WANTED, OTHER, OTHER], &[server]),
    ]);
    keys.request_keys_of(&twice, &mut jobs, Now::ZERO);
    let asked: Vec<_> = jobs.ids().into_iter().map(|id| jobs.get(id).unwrap().key_ids.clone()).collect();
    assert_eq!(asked, [vec![WANTED, OTHER]]);
    keys.request_keys_of(&twice, &mut jobs, Now::ZERO);
    assert_eq!(jobs.ids().len(), 1, "it is under way");
}

#[test]
fn a_licence_request_names_a_key_once_that_several_samples_have() {
    let mut keys = Keys::new(&config(&[], &["http://keys/licence"]));
    let mut jobs = Jobs::default();
    keys.request_licence(&[WANTED, WANTED, OTHER, OTHER], &[], &mut jobs, Now::ZERO);
    let job = jobs.ids().remove(0);
    assert_eq!(jobs.get(job).unwrap().key_ids, [WANTED, OTHER]);
}

#[test]
fn without_a_vector_a_segment_has_that_of_its_number_and_initialisation_data_that_of_zero() {
    let method = EncryptionMethod::Segment(SegmentCipherMode::Aes128Cbc);
    let whole = |iv| SegmentKey { iv, ..way(method.clone(), KeySystem::Identity, KeySource::Inline(key(1))) };
    let vectors = |iv: Option<[u8; 16]>| {
        let ways: crate::model::SegmentKeys = std::iter::once(whole(iv)).collect();
        let encryption = SegmentEncryption { media: ways.clone(), init: ways, sequence: 0x0102 };
        let (mut keys, mut jobs) = (Keys::default(), Jobs::default());
        let media = keys.media_needs(Some(&encryption), &mut jobs, Now::ZERO);
        let init = keys.init_needs(Some(&encryption), &mut jobs, Now::ZERO);
        [media, init].map(|needs| match needs {
            Ok(Needs::Nothing(Some(cipher))) => u128::from_be_bytes(cipher.iv),
            _ => panic!("the key is here"),
        })
    };
    assert_eq!(vectors(None), [0x0102, 0]);
    assert_eq!(vectors(Some(9_u128.to_be_bytes())), [9, 9], "a declared one holds for both");
}

#[test]
fn the_key_of_samples_is_requested_once_with_their_first_segment() {
    let ways: crate::model::SegmentKeys =
        [way(EncryptionMethod::SampleCbc, KeySystem::Identity, source("http://h/1.key"))].into_iter().collect();
    let encryption = SegmentEncryption { media: ways, init: crate::model::SegmentKeys::default(), sequence: 3 };
    let (mut keys, mut jobs) = (Keys::default(), Jobs::default());
    for _ in 0..2 {
        let needs = keys.media_needs(Some(&encryption), &mut jobs, Now::ZERO);
        assert!(matches!(needs, Ok(Needs::Nothing(None))), "it is not waited for");
    }
    let asked: Vec<_> = jobs.ids().into_iter().map(|id| jobs.get(id).unwrap().resource.clone()).collect();
    assert_eq!(asked, [Resource::new(url("http://h/1.key"))]);
    assert!(
        matches!(keys.init_needs(Some(&encryption), &mut jobs, Now::ZERO), Ok(Needs::Nothing(None))),
        "it is clear"
    );
    let info = crate::container::ProtectionInfo { key_ids: vec![WANTED], ..Default::default() };
    keys.on_protection(Some(&encryption), &info, &mut jobs, Now::ZERO);
    assert!(keys.state(WANTED).is_none() && jobs.ids().len() == 1, "whatever names the samples give it");
}

#[test]
fn initialisation_data_waits_for_its_own_key() {
    let method = EncryptionMethod::Segment(SegmentCipherMode::Aes128Cbc);
    let with = |address: &str| -> crate::model::SegmentKeys {
        [way(method.clone(), KeySystem::Identity, source(address))].into_iter().collect()
    };
    let encryption = SegmentEncryption { media: with("http://h/m"), init: with("http://h/i"), sequence: 0 };
    let (mut keys, mut jobs) = (Keys::default(), Jobs::default());
    let init = keys.init_needs(Some(&encryption), &mut jobs, Now::ZERO);
    let own = keys.name_of(&source("http://h/i"));
    assert!(matches!(init, Ok(Needs::Key(id)) if id == own));
    assert_eq!(
        jobs.ids().iter().map(|id| &jobs.get(*id).unwrap().resource).collect::<Vec<_>>(),
        [&Resource::new(url("http://h/i"))]
    );
}

#[test]
fn without_a_server_a_licence_is_unavailable_at_once_for_the_systems_that_are_declared() {
    let (mut keys, mut jobs) = (Keys::new(&DrmConfig::default()), Jobs::default());
    let ways: crate::model::SegmentKeys =
        [way(EncryptionMethod::SampleCtr, KeySystem::Widevine, KeySource::Opaque)].into_iter().collect();
    let encryption = SegmentEncryption { media: ways.clone(), init: ways, sequence: 0 };
    let info = crate::container::ProtectionInfo { key_ids: vec![WANTED], ..Default::default() };
    keys.on_protection(Some(&encryption), &info, &mut jobs, Now::ZERO);
    assert!(jobs.ids().is_empty(), "nobody can be asked");
    let error = keys.gone(WANTED).unwrap();
    assert_eq!((error.code, error.context.feature.as_deref()), (ErrorCode::DrmUnsupported, Some("Widevine")));
    assert!(keys.any_gone());
}

#[test]
fn every_declared_key_is_requested_beforehand() {
    let full = |address: &str| Protection {
        key: Some(way(EncryptionMethod::SampleCbc, KeySystem::Identity, source(address))),
        ..protection(None, &[], &[])
    };
    let offered = representation(vec![full("http://h/1.key"), full("http://h/2.key"), full("http://h/3.key")]);
    let set = AdaptationSet::for_tests("v", MediaKind::Video, vec![offered]);
    let presentation = Presentation::for_tests(vec![Period::new("p".into(), crate::MediaTime::ZERO, None, vec![set])]);
    let (mut keys, mut jobs) = (Keys::default(), Jobs::default());
    keys.preload(&presentation, &mut jobs, Now::ZERO);
    assert_eq!(jobs.ids().len(), 3);
}

#[test]
fn a_raw_key_is_every_key_that_its_request_was_to_bring() {
    let job = JobId::for_tests(1);
    let mut keys = Keys::default();
    for id in [WANTED, OTHER] {
        keys.set(id, KeyState::Asked(job));
    }
    keys.arrived(job, &[licensed(None, 7)]);
    assert_eq!([WANTED, OTHER].map(|id| keys.ready(id) == Some(&key(7))), [true; 2]);
}

#[test]
fn a_server_helps_only_against_the_encryption_of_samples() {
    let with_server = Keys::new(&config(&[], &["http://l/"]));
    let odd = way(EncryptionMethod::Other("ROT13".into()), KeySystem::Widevine, source("http://k/"));
    let error = with_server.unlock(&[odd], 0).unwrap_err();
    assert!(error.message.contains("ROT13"), "{}", error.message);
    let unnamed = protection(None, &[], &[]);
    assert!(with_server.may_unlock(&representation(vec![unnamed.clone()])), "the file names its keys");
    assert!(!Keys::new(&DrmConfig::default()).may_unlock(&representation(vec![unnamed])));
}

#[test]
fn beyond_the_limit_known_keys_change_and_new_ones_are_refused() {
    let mut keys = Keys::default();
    let name = |number: usize| KeyId((number as u128).to_be_bytes());
    (0..MAX_KEYS).for_each(|number| keys.set(name(number), KeyState::Asked(JobId::for_tests(1))));
    assert!(keys.is_full());
    for number in [0, MAX_KEYS] {
        keys.set(name(number), KeyState::Ready(key(7)));
    }
    assert_eq!([0, 1, MAX_KEYS].map(|number| keys.ready(name(number)).is_some()), [true, false, false]);
}
