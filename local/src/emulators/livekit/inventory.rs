//! The phone numbers that are for sale: fictional ones, which no telephone has. 555-0100 to 555-0199
//! are kept free for stories in every area code.

use std::ops::Range;

use livekit_protocol::{PhoneNumber, PhoneNumberType};

/// The area codes, each with its place as LiveKit writes it: the city in capitals, the state.
const AREAS: [(&str, &str, &str); 10] = [
    ("202", "WASHINGTON", "DC"),
    ("206", "SEATTLE", "WA"),
    ("212", "NEW YORK", "NY"),
    ("303", "DENVER", "CO"),
    ("305", "MIAMI", "FL"),
    ("312", "CHICAGO", "IL"),
    ("404", "ATLANTA", "GA"),
    ("415", "SAN FRANCISCO", "CA"),
    ("512", "AUSTIN", "TX"),
    ("617", "BOSTON", "MA"),
];
const LINES: Range<u16> = 100..120;

/// All of them, sold ones included, in the order of the numbers.
pub(super) fn phone_numbers() -> impl Iterator<Item = PhoneNumber> {
    AREAS.iter().flat_map(|(area_code, locality, region)| {
        LINES.map(move |line| PhoneNumber {
            e164_format: format!("+1{area_code}5550{line}"),
            country_code: "US".to_owned(),
            area_code: (*area_code).to_owned(),
            number_type: PhoneNumberType::Local.into(),
            locality: (*locality).to_owned(),
            region: (*region).to_owned(),
            capabilities: vec!["voice".to_owned()],
            ..PhoneNumber::default()
        })
    })
}
