use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use trunkline_domain::{
    Change, Direction, E164, NewNumber, NumberChange, NumberSpec, PhoneNumber, PhoneNumberLabel, RequestId,
};
use trunkline_provisioning::ports::NumberStore;
use trunkline_provisioning::{
    Created, DeleteNumber, IdempotencyClaim, ImportNumber, ImportRequest, LeaseOwner, NumberError, NumberKey,
    StoredResponse, TrunkKey, UpdateNumber, UpdateNumberRequest,
};

use super::ground::TIMING;
use super::line::Line;
use super::outside::Outside;
use super::{Actor, Answer, Ground, Wanted};

/// What is done with a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberWork {
    /// It is imported, on such a trunk.
    Import(Wanted),
    /// It gets a label, while it has a trunk.
    Relabel,
    /// It has no trunk, and gets one.
    Bind,
    /// It has a trunk, and loses it.
    Unbind,
    /// It has a trunk, and gets another.
    Move,
    /// It is deleted while it has a trunk.
    Delete,
    /// It is deleted while it has none.
    DeleteUnbound,
    /// It is bought from LiveKit, with an idempotency key or without.
    Buy(bool),
    /// One that was bought is deleted, and its trunk with it.
    GiveBack,
    /// One that was bought is deleted after its trunk.
    GiveBackUnbound,
    /// The first one of a Twilio account is imported, with an idempotency key or without.
    Connect(bool),
    /// The second one of a Twilio account is imported, with an idempotency key or without.
    Share(bool),
    /// One of a Twilio account is deleted that has another on its trunk.
    Disconnect,
    /// The last one of a Twilio account is deleted, and its trunk with it.
    DisconnectLast,
    /// One of a Twilio account is deleted after its trunk.
    DisconnectUnbound,
}

/// Where that happens.
#[derive(Debug, Clone)]
pub struct NumberPlace {
    /// What is done there.
    pub work: NumberWork,
    e164: E164,
    /// The trunk that the number is bound to, or shall be.
    first: Option<TrunkKey>,
    /// The trunk that it is moved to.
    pub second: Option<TrunkKey>,
    number: Option<NumberKey>,
}

const BOTH: Wanted = Wanted { direction: Direction::Both, secret: true, key: false };
const PLAIN: Wanted = Wanted { direction: Direction::Both, secret: false, key: false };

/// How many numbers a workspace may have.
const LIMIT: u64 = 100;

impl NumberWork {
    /// Each of them once, the import on every kind of trunk.
    pub fn all() -> impl Iterator<Item = Self> {
        Wanted::all().map(Self::Import).chain([
            Self::Relabel,
            Self::Bind,
            Self::Unbind,
            Self::Move,
            Self::Delete,
            Self::DeleteUnbound,
            Self::Buy(false),
            Self::Buy(true),
            Self::GiveBack,
            Self::GiveBackUnbound,
            Self::Connect(false),
            Self::Connect(true),
            Self::Share(false),
            Self::Share(true),
            Self::Disconnect,
            Self::DisconnectLast,
            Self::DisconnectUnbound,
        ])
    }
}

impl NumberWork {
    fn is_on_twilio(self) -> bool {
        matches!(
            self,
            Self::Connect(_) | Self::Share(_) | Self::Disconnect | Self::DisconnectLast | Self::DisconnectUnbound
        )
    }
}

impl fmt::Display for NumberWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import(wanted) => write!(f, "import a number on {wanted}"),
            Self::Relabel => f.write_str("relabel a number"),
            Self::Bind => f.write_str("bind a number"),
            Self::Unbind => f.write_str("unbind a number"),
            Self::Move => f.write_str("move a number"),
            Self::Delete => f.write_str("delete a number"),
            Self::DeleteUnbound => f.write_str("delete an unbound number"),
            Self::Buy(false) => f.write_str("buy a number"),
            Self::Buy(true) => f.write_str("buy a number with key"),
            Self::GiveBack => f.write_str("give a number back"),
            Self::GiveBackUnbound => f.write_str("give an unbound number back"),
            Self::Connect(false) => f.write_str("connect a number"),
            Self::Connect(true) => f.write_str("connect a number with key"),
            Self::Share(false) => f.write_str("connect a second number"),
            Self::Share(true) => f.write_str("connect a second number with key"),
            Self::Disconnect => f.write_str("disconnect a number"),
            Self::DisconnectLast => f.write_str("disconnect the last number"),
            Self::DisconnectUnbound => f.write_str("disconnect an unbound number"),
        }
    }
}

impl NumberPlace {
    /// Other work with the same number.
    #[must_use]
    pub fn with(&self, work: NumberWork) -> Self {
        Self { work, ..self.clone() }
    }
}

impl<O: Outside> Ground<O> {
    /// The trunks and the number that the work is done with.
    pub async fn place(&self, work: NumberWork) -> NumberPlace {
        let wanted = match work {
            NumberWork::Import(wanted) => Wanted { key: false, ..wanted },
            _ => BOTH,
        };
        let mut place = NumberPlace { work, e164: self.e164(0), first: None, second: None, number: None };
        if matches!(work, NumberWork::Buy(_) | NumberWork::GiveBack | NumberWork::GiveBackUnbound) {
            [place.e164, _] = self.0.for_sale();
            if !matches!(work, NumberWork::Buy(_)) {
                let trunk = self.bought_number(&mut place).await;
                place.first = Some(trunk);
                if work == NumberWork::GiveBackUnbound {
                    let answer = self.delete(trunk).finish().await;
                    assert!(matches!(answer, Answer::Deleted(Ok(()))), "{answer:?}");
                }
            }
            return place;
        }
        if work.is_on_twilio() {
            return self.place_on_twilio(place).await;
        }
        let first = self.live_trunk(wanted).await;
        place.first = Some(first);
        match work {
            NumberWork::Import(_) => return place,
            NumberWork::Move => place.second = Some(self.later_trunk(PLAIN).await),
            _ => {}
        }
        place.number = Some(self.bound_number(first, place.e164.clone()).await);
        if matches!(work, NumberWork::Bind | NumberWork::DeleteUnbound) {
            let change = NumberChange { label: Change::Keep, trunk_id: Change::Clear };
            let answer = self.change_number(&place, change).finish().await;
            assert!(matches!(answer, Answer::NumberChanged(Ok(_))), "{answer:?}");
        }
        place
    }

    async fn place_on_twilio(&self, mut place: NumberPlace) -> NumberPlace {
        let [first, second, _] = self.0.account_numbers().free;
        place.e164 = first;
        match place.work {
            NumberWork::Share(_) => {
                self.connected_number(&place.e164).await;
                place.first = Some(self.trunk_of(&place.e164).await);
                place.e164 = second;
            }
            NumberWork::Disconnect => {
                place.number = Some(self.connected_number(&place.e164).await);
                self.connected_number(&second).await;
                place.first = Some(self.trunk_of(&place.e164).await);
            }
            NumberWork::DisconnectLast | NumberWork::DisconnectUnbound => {
                place.number = Some(self.connected_number(&place.e164).await);
                place.first = Some(self.trunk_of(&place.e164).await);
            }
            _ => {}
        }
        if place.work == NumberWork::DisconnectUnbound {
            let answer = self.delete(place.trunk()).finish().await;
            assert!(matches!(answer, Answer::Deleted(Ok(()))), "{answer:?}");
        }
        place
    }

    async fn connected_number(&self, e164: &E164) -> NumberKey {
        let answer = self.import(NumberSpec::Twilio(self.0.account()), e164.clone(), false).finish().await;
        assert!(matches!(answer, Answer::Imported(Ok(_))), "{answer:?}");
        NumberKey::from(&self.number(e164).await.expect("a number"))
    }

    /// Another number of the same Twilio account, imported or not; `index` is its place among those that are free.
    pub async fn on_same_account(&self, place: &NumberPlace, index: usize) -> NumberPlace {
        let e164 = self.0.account_numbers().free[index].clone();
        let number = self.number(&e164).await.as_ref().map(NumberKey::from);
        NumberPlace { e164, number, ..place.clone() }
    }

    /// Another number that LiveKit sells.
    pub fn another_for_sale(&self, place: &NumberPlace) -> NumberPlace {
        let [_, e164] = self.0.for_sale();
        NumberPlace { e164, ..place.clone() }
    }

    async fn trunk_of(&self, e164: &E164) -> TrunkKey {
        let number = self.number(e164).await.expect("a number");
        TrunkKey { workspace_id: number.workspace_id, id: number.binding.expect("a trunk").trunk_id }
    }

    /// A trunk with two numbers of a Twilio account.
    pub async fn connected_trunk(&self) -> TrunkKey {
        let [first, second, _] = self.0.account_numbers().free;
        for e164 in [&first, &second] {
            self.connected_number(e164).await;
        }
        self.trunk_of(&first).await
    }

    /// The same number, to be imported on another trunk.
    pub async fn on_another_trunk(&self, place: &NumberPlace) -> NumberPlace {
        NumberPlace { first: Some(self.later_trunk(PLAIN).await), ..place.clone() }
    }

    /// Another number, to be imported on another trunk, in a workspace that may have one number more.
    pub async fn at_cap(&self, place: &NumberPlace) -> NumberPlace {
        let full = self.later_trunk(PLAIN).await;
        for number in 2..=LIMIT {
            self.bound_number(full, self.e164(number)).await;
        }
        NumberPlace { e164: self.e164(1), ..self.on_another_trunk(place).await }
    }

    /// Ids of one millisecond are in no order; runs are compared call by call.
    async fn later_trunk(&self, wanted: Wanted) -> TrunkKey {
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.live_trunk(wanted).await
    }

    /// A trunk with two numbers.
    pub async fn numbered_trunk(&self, wanted: Wanted) -> TrunkKey {
        let trunk = self.live_trunk(wanted).await;
        for place in 0..2 {
            self.bound_number(trunk, self.e164(place)).await;
        }
        trunk
    }

    /// A trunk with a number that was bought.
    pub async fn bought_trunk(&self) -> TrunkKey {
        let mut place = self.place(NumberWork::Buy(false)).await;
        self.bought_number(&mut place).await
    }

    async fn bought_number(&self, place: &mut NumberPlace) -> TrunkKey {
        let answer = self.import(NumberSpec::Livekit, place.e164.clone(), false).finish().await;
        assert!(matches!(answer, Answer::Imported(Ok(_))), "{answer:?}");
        let number = self.number(&place.e164).await.expect("a number");
        place.number = Some(NumberKey::from(&number));
        self.trunk_of(&place.e164).await
    }

    async fn bound_number(&self, trunk: TrunkKey, e164: E164) -> NumberKey {
        let answer = self.import(on(trunk), e164.clone(), false).finish().await;
        assert!(matches!(answer, Answer::Imported(Ok(_))), "{answer:?}");
        let number = self.number(&e164).await.expect("a number");
        NumberKey::from(&number)
    }

    /// A request to do that work.
    pub fn number_work(&self, place: &NumberPlace) -> Actor {
        let change = |label, trunk_id| self.change_number(place, NumberChange { label, trunk_id });
        match place.work {
            NumberWork::Import(wanted) => self.import(on(place.trunk()), place.e164.clone(), wanted.key),
            NumberWork::Buy(has_key) => self.import(NumberSpec::Livekit, place.e164.clone(), has_key),
            NumberWork::Connect(has_key) | NumberWork::Share(has_key) => {
                self.import(NumberSpec::Twilio(self.0.account()), place.e164.clone(), has_key)
            }
            NumberWork::Relabel => change(Change::Set(label()), Change::Keep),
            NumberWork::Bind => change(Change::Set(label()), Change::Set(place.trunk().id)),
            NumberWork::Unbind => change(Change::Keep, Change::Clear),
            NumberWork::Move => change(Change::Keep, Change::Set(place.second.expect("another trunk").id)),
            NumberWork::Delete
            | NumberWork::DeleteUnbound
            | NumberWork::GiveBack
            | NumberWork::GiveBackUnbound
            | NumberWork::Disconnect
            | NumberWork::DisconnectLast
            | NumberWork::DisconnectUnbound => {
                let line = Line::default();
                let delete = DeleteNumber {
                    store: self.store(&line),
                    secrets: self.secrets(&line),
                    sip: self.sip(&line),
                    twilio: self.twilio(&line),
                    timing: TIMING,
                };
                let key = place.number.expect("a number");
                let owner = LeaseOwner::new(RequestId::new());
                Actor::new(line, async move { Answer::NumberDeleted(delete.delete(key, owner, None).await) })
            }
        }
    }

    /// Whether the work is done.
    pub async fn is_number_work_done(&self, place: &NumberPlace) -> bool {
        let number = self.number(&place.e164).await;
        let trunk_id = number.as_ref().and_then(|number| number.binding).map(|binding| binding.trunk_id);
        match place.work {
            NumberWork::Import(_) | NumberWork::Buy(_) | NumberWork::Connect(_) | NumberWork::Share(_) => {
                number.is_some()
            }
            NumberWork::Relabel => number.is_some_and(|number| number.label.is_some()),
            NumberWork::Bind => trunk_id.is_some(),
            NumberWork::Unbind => trunk_id.is_none(),
            NumberWork::Move => trunk_id != Some(place.trunk().id),
            NumberWork::Delete
            | NumberWork::DeleteUnbound
            | NumberWork::GiveBack
            | NumberWork::GiveBackUnbound
            | NumberWork::Disconnect
            | NumberWork::DisconnectLast
            | NumberWork::DisconnectUnbound => number.is_none(),
        }
    }

    /// Whether that is what the second request must be told, by whether the first one's work was done.
    pub fn is_right_again(place: &NumberPlace, was_done: bool, answer: &Answer) -> bool {
        let has_key = match place.work {
            NumberWork::Import(wanted) => wanted.key,
            NumberWork::Buy(has_key) | NumberWork::Connect(has_key) | NumberWork::Share(has_key) => has_key,
            _ => false,
        };
        match answer {
            Answer::Imported(Ok(Created::Before(_))) => has_key && was_done,
            Answer::Imported(Err(NumberError::Taken)) => !has_key && was_done,
            Answer::Imported(Ok(Created::Now(_))) => !was_done,
            Answer::NumberDeleted(Err(NumberError::NotFound)) => was_done,
            Answer::NumberChanged(Ok(_)) | Answer::NumberDeleted(Ok(())) => true,
            _ => false,
        }
    }

    /// How many numbers there are, and how many of them have a trunk.
    pub async fn numbers(&self) -> (usize, usize) {
        let numbers = self.0.store().list_numbers(self.0.workspace_id(), None, 200).await.unwrap().numbers;
        (numbers.len(), numbers.iter().filter(|number| number.binding.is_some()).count())
    }

    fn import(&self, spec: NumberSpec, e164: E164, has_key: bool) -> Actor {
        let line = Line::default();
        let import = ImportNumber {
            store: self.store(&line),
            secrets: self.secrets(&line),
            sip: self.sip(&line),
            twilio: self.twilio(&line),
            sip_host: "sip.livekit.example".parse().expect("a host"),
            secret_prefix: self.0.secret_prefix(),
            timing: TIMING,
        };
        let claim = IdempotencyClaim { key_hash: "import".into(), fingerprint: "request".into() };
        let request = ImportRequest {
            workspace_id: self.0.workspace_id(),
            number: NewNumber { e164, label: None, spec },
            claim: has_key.then_some(claim),
            owner: LeaseOwner::new(RequestId::new()),
            deadline: None,
        };
        Actor::new(line, async move { Answer::Imported(import.import(request, render).await) })
    }

    fn change_number(&self, place: &NumberPlace, change: NumberChange) -> Actor {
        let line = Line::default();
        let update = UpdateNumber {
            store: self.store(&line),
            secrets: self.secrets(&line),
            sip: self.sip(&line),
            timing: TIMING,
        };
        let request = UpdateNumberRequest {
            key: place.number.expect("a number"),
            change,
            owner: LeaseOwner::new(RequestId::new()),
            deadline: None,
        };
        Actor::new(line, async move { Answer::NumberChanged(update.update(request).await.map(Box::new)) })
    }

    async fn number(&self, e164: &E164) -> Option<PhoneNumber> {
        let numbers = self.0.store().list_numbers(self.0.workspace_id(), None, 200).await.unwrap().numbers;
        numbers.into_iter().find(|number| number.e164 == *e164)
    }

    /// A number that no other case uses at the same time: LiveKit is shared.
    fn e164(&self, place: u64) -> E164 {
        let mut hasher = DefaultHasher::new();
        self.0.workspace_id().hash(&mut hasher);
        let case = hasher.finish() % 10_000_000_000;
        E164::parse(&format!("+49{case:010}{place}")).unwrap()
    }
}

impl NumberPlace {
    /// The trunk that the number is bound to, or shall be.
    pub fn trunk(&self) -> TrunkKey {
        self.first.expect("a trunk")
    }
}

fn on(trunk: TrunkKey) -> NumberSpec {
    NumberSpec::Byoc { trunk_id: trunk.id }
}

fn label() -> PhoneNumberLabel {
    PhoneNumberLabel::parse("Front desk").unwrap()
}

fn render(number: &PhoneNumber) -> StoredResponse {
    StoredResponse { status: 201, body: number.id.to_string(), location: None }
}
