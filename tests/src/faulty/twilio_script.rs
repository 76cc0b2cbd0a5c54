use std::collections::{BTreeMap, BTreeSet};

use trunkline_domain::{AuthPassword, AuthToken, AuthUsername, E164, TrunkId, TwilioAccount};
use trunkline_provisioning::ports::{TwilioError, TwilioNumber, TwilioRefusal, TwilioService, UpstreamError};

use super::account::{LIMIT, OnAccount};
use super::line::{How, Line, LineTwilio};
use super::{Effect, Ground, Outside, Trace, Traced};
use crate::canary::PASSWORD;
use crate::twilio::account_with;

const GONE: &str = "00000000000000000000000000000000";
const SIP_URL: &str = "sip:sip.livekit.example";

const CONFLICT: TwilioError = TwilioError::Upstream(UpstreamError::Conflict);
const NOT_THERE: TwilioError = TwilioError::Refused(TwilioRefusal::NotThere);
const LIMIT_REACHED: TwilioError = TwilioError::Refused(TwilioRefusal::LimitReached);
const CREDENTIALS: TwilioError = TwilioError::Refused(TwilioRefusal::Credentials);

/// A script on its way.
struct Script<'a, O: Outside> {
    ground: &'a Ground<O>,
    line: Line,
    twilio: LineTwilio<O::Twilio>,
    account: TwilioAccount,
    password: AuthPassword,
    trace: Trace,
}

impl<O: Outside> Ground<O> {
    /// Every call to Twilio, well, again, and refused for every reason that there is; and what it leaves. Afterwards the
    /// account is of no use to another case.
    pub async fn twilio_script(&self) -> Trace {
        let line = Line::default();
        let mut script = Script {
            ground: self,
            twilio: self.twilio(&line),
            line,
            account: self.0.account(),
            password: AuthPassword::parse(PASSWORD).unwrap(),
            trace: Trace::default(),
        };
        script.make_and_take_away().await;
        script.reach_the_limits().await;
        script.try_other_accounts().await;
        script.touch_what_is_the_customers().await;
        script.trace
    }
}

impl<O: Outside> Script<'_, O> {
    async fn make_and_take_away(&mut self) {
        let (twilio, account) = (self.twilio.clone(), self.account.clone());
        let at_first = self.look(&BTreeMap::new(), 0).await;
        let [number, second, third] = self.numbers().await;
        let (id, other_id) = (TrunkId::new(), TrunkId::new());
        let empty = BTreeSet::new();
        assert_eq!(self.tell(twilio.find_trunks(&account, id)).await, Ok(empty.clone()));
        assert_eq!(self.tell(twilio.find_credential_lists(&account, id)).await, Ok(empty.clone()));

        let trunk = self.tell(twilio.create_trunk(&account, id, &domain(id))).await.unwrap();
        assert_eq!(self.tell(twilio.create_trunk(&account, id, &domain(id))).await, Err(CONFLICT));
        assert_eq!(self.tell(twilio.create_trunk(&account, other_id, &domain(id))).await, Err(CONFLICT));
        let namesake = self.tell(twilio.create_trunk(&account, id, &domain(other_id))).await.unwrap();
        let both = BTreeSet::from([trunk.clone(), namesake.clone()]);
        assert_eq!(self.tell(twilio.find_trunks(&account, id)).await, Ok(both));
        assert_eq!(self.tell(twilio.find_trunks(&account, other_id)).await, Ok(empty.clone()));

        let list = self.tell(twilio.create_credential_list(&account, id)).await.unwrap();
        assert_eq!(self.tell(twilio.create_credential_list(&account, id)).await, Err(CONFLICT));
        let other_list = self.tell(twilio.create_credential_list(&account, other_id)).await.unwrap();
        let one = BTreeSet::from([list.clone()]);
        assert_eq!(self.tell(twilio.find_credential_lists(&account, id)).await, Ok(one));

        let (username, other_username) = (username(id), username(other_id));
        assert_eq!(self.credential(&list, &username).await, Ok(()));
        assert_eq!(self.credential(&list, &username).await, Err(CONFLICT));
        assert_eq!(self.credential(&other_list, &username).await, Ok(()));
        assert_eq!(self.credential(&other_list, &other_username).await, Ok(()));
        assert_eq!(self.credential(&gone("CL"), &username).await, Err(NOT_THERE));

        assert_eq!(self.tell(twilio.attach_credential_list(&account, &trunk, &list)).await, Ok(()));
        assert_eq!(self.tell(twilio.attach_credential_list(&account, &trunk, &list)).await, Err(CONFLICT));
        assert_eq!(self.tell(twilio.attach_credential_list(&account, &namesake, &list)).await, Ok(()));
        assert_eq!(self.tell(twilio.attach_credential_list(&account, &namesake, &other_list)).await, Ok(()));
        assert_eq!(self.tell(twilio.attach_credential_list(&account, &gone("TK"), &list)).await, Err(NOT_THERE));
        assert_eq!(self.tell(twilio.attach_credential_list(&account, &trunk, &gone("CL"))).await, Err(NOT_THERE));
        assert_eq!(self.tell(twilio.delete_credential_list(&account, &list)).await, Err(CONFLICT));

        assert_eq!(self.tell(twilio.create_origination_url(&account, &trunk, id, SIP_URL)).await, Ok(()));
        for _ in 0..2 {
            assert_eq!(self.tell(twilio.create_origination_url(&account, &namesake, id, SIP_URL)).await, Ok(()));
        }
        let url = self.tell(twilio.create_origination_url(&account, &gone("TK"), id, SIP_URL)).await;
        assert_eq!(url, Err(NOT_THERE));

        for _ in 0..2 {
            assert_eq!(self.tell(twilio.attach_number(&account, &trunk, &number)).await, Ok(()));
        }
        assert_eq!(self.tell(twilio.attach_number(&account, &namesake, &second)).await, Ok(()));
        assert_eq!(self.tell(twilio.attach_number(&account, &namesake, &third)).await, Ok(()));
        assert_eq!(self.tell(twilio.attach_number(&account, &trunk, &third)).await, Ok(()));
        assert_eq!(self.tell(twilio.attach_number(&account, &gone("TK"), &number)).await, Err(NOT_THERE));
        assert_eq!(self.tell(twilio.attach_number(&account, &trunk, &gone("PN"))).await, Err(NOT_THERE));
        let attached = BTreeSet::from([number.clone(), third.clone()]);
        assert_eq!(self.tell(twilio.numbers_of_trunk(&account, &trunk)).await, Ok(attached));
        let attached = BTreeSet::from([second.clone()]);
        assert_eq!(self.tell(twilio.numbers_of_trunk(&account, &namesake)).await, Ok(attached));
        assert_eq!(self.tell(twilio.numbers_of_trunk(&account, &gone("TK"))).await, Ok(empty.clone()));
        self.numbers().await;

        // Two lists and two trunks that are no live trunk's.
        self.look(&BTreeMap::new(), 4).await;
        let [e164, _, third_e164] = self.ground.0.account_numbers().free;
        let expected = BTreeMap::from([(id.to_string(), BTreeSet::from([e164, third_e164]))]);
        // The other trunk's list; of the namesake there should be none, nor its domain, URLs, lists and number.
        self.look(&expected, 6).await;
        assert_eq!(self.tell(twilio.delete_trunk(&account, &namesake)).await, Ok(()));
        assert_eq!(self.tell(twilio.delete_credential_list(&account, &other_list)).await, Ok(()));
        self.look(&expected, 0).await;
        self.numbers().await;

        for (trunk, number) in [(&trunk, &second), (&namesake, &number), (&trunk, &gone("PN")), (&trunk, &third)] {
            assert_eq!(self.tell(twilio.detach_number(&account, trunk, number)).await, Ok(()));
        }
        let attached = BTreeSet::from([number.clone()]);
        assert_eq!(self.tell(twilio.numbers_of_trunk(&account, &trunk)).await, Ok(attached));
        self.look(&expected, 1).await;

        for _ in 0..2 {
            assert_eq!(self.tell(twilio.delete_trunk(&account, &trunk)).await, Ok(()));
            assert_eq!(self.tell(twilio.delete_credential_list(&account, &list)).await, Ok(()));
            assert_eq!(self.tell(twilio.detach_number(&account, &trunk, &number)).await, Ok(()));
        }
        assert_eq!(self.tell(twilio.attach_number(&account, &trunk, &number)).await, Err(NOT_THERE));
        assert_eq!(self.tell(twilio.numbers_of_trunk(&account, &trunk)).await, Ok(empty));
        assert_eq!(self.look(&BTreeMap::new(), 0).await, at_first);

        // The domain and the names are free again.
        let trunk = self.tell(twilio.create_trunk(&account, id, &domain(id))).await.unwrap();
        let list = self.tell(twilio.create_credential_list(&account, id)).await.unwrap();
        assert_eq!(self.tell(twilio.delete_trunk(&account, &trunk)).await, Ok(()));
        assert_eq!(self.tell(twilio.delete_credential_list(&account, &list)).await, Ok(()));
    }

    async fn reach_the_limits(&mut self) {
        let (twilio, account) = (self.twilio.clone(), self.account.clone());
        let ids: Vec<_> = (0..LIMIT).map(|_| TrunkId::new()).collect();
        let (mut trunks, mut lists) = (Vec::new(), Vec::new());
        for id in &ids {
            lists.push(self.tell(twilio.create_credential_list(&account, *id)).await.unwrap());
        }
        // One is the customer's own.
        for id in &ids[1..] {
            trunks.push(self.tell(twilio.create_trunk(&account, *id, &domain(*id))).await.unwrap());
        }
        let id = TrunkId::new();
        assert_eq!(self.tell(twilio.create_trunk(&account, id, &domain(id))).await, Err(LIMIT_REACHED));
        assert_eq!(self.tell(twilio.create_trunk(&account, id, &domain(ids[1]))).await, Err(CONFLICT));
        assert_eq!(self.tell(twilio.create_credential_list(&account, id)).await, Err(LIMIT_REACHED));
        assert_eq!(self.tell(twilio.create_credential_list(&account, ids[0])).await, Err(CONFLICT));
        for trunk in trunks {
            assert_eq!(self.tell(twilio.delete_trunk(&account, &trunk)).await, Ok(()));
        }
        for list in lists {
            assert_eq!(self.tell(twilio.delete_credential_list(&account, &list)).await, Ok(()));
        }
    }

    async fn try_other_accounts(&mut self) {
        let wrong_token = TwilioAccount { auth_token: AuthToken::parse("wrong").unwrap(), ..self.account.clone() };
        for account in [wrong_token, account_with(&format!("AC{}", "f".repeat(32)), "any")] {
            let (twilio, id, numbers) = (self.twilio.clone(), TrunkId::new(), self.ground.0.account_numbers());
            let (tk, cl, pn) = (gone("TK"), gone("CL"), gone("PN"));
            let (username, password) = (username(id), self.password.clone());
            assert_eq!(self.tell(twilio.find_number(&account, &numbers.free[0])).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.create_trunk(&account, id, &domain(id))).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.find_trunks(&account, id)).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.delete_trunk(&account, &tk)).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.create_credential_list(&account, id)).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.find_credential_lists(&account, id)).await, Err(CREDENTIALS));
            let created = self.tell(twilio.create_credential(&account, &cl, &username, &password)).await;
            assert_eq!(created, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.delete_credential_list(&account, &cl)).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.attach_credential_list(&account, &tk, &cl)).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.create_origination_url(&account, &tk, id, SIP_URL)).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.attach_number(&account, &tk, &pn)).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.detach_number(&account, &tk, &pn)).await, Err(CREDENTIALS));
            assert_eq!(self.tell(twilio.numbers_of_trunk(&account, &tk)).await, Err(CREDENTIALS));
        }
    }

    /// An application is forgotten for good.
    async fn touch_what_is_the_customers(&mut self) {
        let (twilio, account, id) = (self.twilio.clone(), self.account.clone(), TrunkId::new());
        let own = self.ground.0.account_numbers();
        let trunk = self.tell(twilio.create_trunk(&account, id, &domain(id))).await.unwrap();
        for (e164, violations) in [(own.on_own_trunk, 2), (own.of_application, 3)] {
            let number = self.tell(twilio.find_number(&account, &e164)).await.unwrap().expect("a number");
            assert!(number.trunk_sid.is_some() != number.voice_application_sid.is_some());
            assert_eq!(self.tell(twilio.attach_number(&account, &trunk, &number.sid)).await, Ok(()));
            let attached = TwilioNumber { trunk_sid: Some(trunk.clone()), voice_application_sid: None, ..number };
            assert_eq!(self.tell(twilio.find_number(&account, &e164)).await, Ok(Some(attached)));
            self.look(&BTreeMap::new(), violations).await;
        }
        assert_eq!(self.tell(twilio.delete_trunk(&account, &trunk)).await, Ok(()));
        self.look(&BTreeMap::new(), 2).await;
    }

    /// The sids of the free numbers.
    async fn numbers(&mut self) -> [String; 3] {
        let (twilio, account, numbers) = (self.twilio.clone(), self.account.clone(), self.ground.0.account_numbers());
        assert_eq!(self.tell(twilio.find_number(&account, &self.ground.0.for_sale()[0])).await, Ok(None));
        let mut sids = numbers.free.each_ref().map(|_| String::new());
        for (sid, e164) in sids.iter_mut().zip(&numbers.free) {
            *sid = self.tell(twilio.find_number(&account, e164)).await.unwrap().expect("a number").sid;
        }
        sids
    }

    async fn credential(&mut self, list: &str, username: &AuthUsername) -> Result<(), TwilioError> {
        let (twilio, account, password) = (self.twilio.clone(), self.account.clone(), self.password.clone());
        self.tell(twilio.create_credential(&account, list, username, &password)).await
    }

    /// Makes a call, and writes down what it is told.
    async fn tell<T>(&mut self, call: impl Future<Output = T>) -> T {
        let line = self.line.clone();
        let go = async {
            let call = line.take(0).expect("a call to be made");
            (call.name, call.effect, call.go(How::Well).await.answer)
        };
        let (answer, (name, effect, told)) = tokio::join!(biased; call, go);
        self.trace.0.push(Traced { actor: 0, name, effect, fault: None, answer: told });
        answer
    }

    /// Writes down what the account has, and what of it should not be.
    async fn look(&mut self, expected: &BTreeMap<String, BTreeSet<E164>>, wrong: usize) -> OnAccount {
        let there = self.ground.0.on_account().await;
        let violations = self.ground.0.twilio_violations(expected).await;
        assert_eq!(violations.len(), wrong, "{violations:#?}");
        let answer = format!("{there:?} {violations:?}");
        self.trace.0.push(Traced { actor: 0, name: "on_account", effect: Effect::Read, fault: None, answer });
        there
    }
}

fn domain(id: TrunkId) -> String {
    format!("{}.pstn.twilio.com", id.to_string().replace('_', "-"))
}

fn username(id: TrunkId) -> AuthUsername {
    AuthUsername::parse(&id.to_string()).unwrap()
}

/// A sid of nothing.
fn gone(prefix: &str) -> String {
    format!("{prefix}{GONE}")
}
