//! LiveKit's phone-number service. LiveKit Cloud alone has it; its server answers 404.

use livekit_protocol as proto;
use trunkline_domain::E164;
use trunkline_provisioning::ports::{Failure, LiveKitNumber, LiveKitNumbers, PurchaseError, UpstreamError};

use crate::access::ApiKeySource;
use crate::service::{LiveKitSip, classify, named};
use crate::twirp::TwirpError;

const LIST: &str = "ListPhoneNumbers";
const PURCHASE: &str = "PurchasePhoneNumber";
const RELEASE: &str = "ReleasePhoneNumbers";

/// How LiveKit may refuse a number in a request that is well-formed: it documents neither codes nor words.
const REFUSALS: [&str; 4] = ["invalid_argument", "not_found", "already_exists", "failed_precondition"];

impl<K: ApiKeySource> LiveKitSip<K> {
    /// The first of the project's numbers that is meant. Of the phone-number service.
    async fn owned(
        &self,
        is_meant: impl Fn(&proto::PhoneNumber) -> bool,
    ) -> Result<Option<proto::PhoneNumber>, TwirpError> {
        match self.walk(&is_meant).await? {
            // Pages are counted by offset: a number that goes meanwhile moves others to pages that were read already.
            (None, pages) if pages > 1 => Ok(self.walk(&is_meant).await?.0),
            (found, _) => Ok(found),
        }
    }

    /// The same, by one walk; with the number of pages that were read.
    async fn walk(
        &self,
        is_meant: impl Fn(&proto::PhoneNumber) -> bool,
    ) -> Result<(Option<proto::PhoneNumber>, usize), TwirpError> {
        use proto::PhoneNumberStatus::{Active, Offline, Pending, Released};
        let statuses = [Active, Offline, Pending].map(i32::from);
        let mut request = proto::ListPhoneNumbersRequest { statuses: statuses.into(), ..Default::default() };
        let mut pages = 0;
        loop {
            let page: proto::ListPhoneNumbersResponse = self.repeatable(LIST, &request).await?;
            pages += 1;
            let is_last = page.items.is_empty();
            let found = page.items.into_iter().find(|number| number.status() != Released && is_meant(number));
            request.page_token = page.next_page_token.filter(|next| !next.token.is_empty() && !is_last);
            if found.is_some() || request.page_token.is_none() {
                return Ok((found, pages));
            }
        }
    }

    async fn owned_as(&self, number: &E164) -> Result<Option<LiveKitNumber>, TwirpError> {
        let owned = self.owned(|owned| owned.e164_format == number.as_str()).await?;
        Ok(owned.map(|owned| {
            #[expect(deprecated, reason = "a number may have it alone")]
            let old = Some(owned.sip_dispatch_rule_id).filter(|id| !id.is_empty());
            LiveKitNumber {
                id: owned.id,
                dispatch_rule_ids: owned.sip_dispatch_rule_ids.into_iter().chain(old).collect(),
            }
        }))
    }
}

impl<K: ApiKeySource> LiveKitNumbers for LiveKitSip<K> {
    async fn purchase(&self, number: &E164, dispatch_rule_id: &str) -> Result<String, PurchaseError> {
        if !number.as_str().starts_with("+1") {
            return Err(PurchaseError::NotUs);
        }
        let service = self.phone_numbers();
        // What LiveKit answers for a number that the project has is not known. If it were a success, the number would
        // have our rule, and an undo would give back what was never ours.
        match service.owned_as(number).await {
            Ok(None) => {}
            Ok(Some(_)) => return Err(PurchaseError::AlreadyOwned),
            Err(error) if error.is_no_such_service() => return Err(PurchaseError::NoService),
            Err(error) => {
                classify(LIST, error);
                return Err(UpstreamError::NotDone.into());
            }
        }
        let request = proto::PurchasePhoneNumberRequest {
            phone_numbers: vec![number.to_string()],
            sip_dispatch_rule_id: Some(dispatch_rule_id.to_owned()),
        };
        let bought: proto::PurchasePhoneNumberResponse = match service.once(PURCHASE, &request).await {
            Ok(bought) => bought,
            Err(error) if REFUSALS.contains(&error.code.as_str()) => {
                classify(PURCHASE, TwirpError { failure: Failure::ObjectConflict, ..error });
                return Err(PurchaseError::NotAvailable);
            }
            Err(error) => return Err(classify(PURCHASE, error).into()),
        };
        let bought = bought.phone_numbers.into_iter().find(|bought| bought.e164_format == number.as_str());
        Ok(named(PURCHASE, bought.map(|bought| bought.id).unwrap_or_default())?)
    }

    async fn find(&self, number: &E164) -> Result<Option<LiveKitNumber>, UpstreamError> {
        match self.phone_numbers().owned_as(number).await {
            // What has no such service has sold nothing.
            Err(error) if error.is_no_such_service() => Ok(None),
            found => found.map_err(|error| classify(LIST, error)),
        }
    }

    async fn release(&self, id: &str) -> Result<(), UpstreamError> {
        let service = self.phone_numbers();
        let request = proto::ReleasePhoneNumbersRequest { ids: vec![id.to_owned()], ..Default::default() };
        let refusal = match service.repeatable::<_, proto::ReleasePhoneNumbersResponse>(RELEASE, &request).await {
            Err(error) if !error.is_no_such_object() => error,
            _ => return Ok(()),
        };
        // How LiveKit refuses what is not there is not known.
        if refusal.failure == Failure::Invalid && service.owned(|owned| owned.id == id).await == Ok(None) {
            return Ok(());
        }
        Err(classify(RELEASE, refusal))
    }
}
