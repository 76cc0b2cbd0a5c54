use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use trunkline_provisioning::ports::StoreError;

use crate::error::classify;
use crate::items::Item;
use crate::keys::Key;
use crate::store::TrunkTable;
use crate::transaction::item;

/// A conditional write of one record: alone, or as a part of a transaction. If its condition fails, the record is given.
pub(crate) struct Expression {
    pub(crate) key: Key,
    pub(crate) update: String,
    pub(crate) condition: &'static str,
    pub(crate) values: Vec<(String, AttributeValue)>,
    /// Attributes whose names may be words of DynamoDB's own.
    pub(crate) names: Vec<String>,
}

/// What became of a write.
pub(crate) enum Written {
    /// With the attributes that it asked for.
    Done(Item),
    /// Its condition failed: the record, if there is one.
    Refused(Option<Item>),
}

impl TrunkTable {
    /// Writes it; `returned` says which attributes to give.
    pub(crate) async fn write(
        &self,
        operation: &'static str,
        expression: Expression,
        returned: ReturnValue,
    ) -> Result<Written, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(expression.key))
            .update_expression(expression.update)
            .condition_expression(expression.condition)
            .set_expression_attribute_names(aliases(expression.names))
            .set_expression_attribute_values(Some(expression.values.into_iter().collect()))
            .return_values(returned)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        match update.send().await {
            Ok(written) => Ok(Written::Done(written.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(found)) => {
                    Ok(Written::Refused(found.item().cloned()))
                }
                _ => Err(classify(operation, &error)),
            },
        }
    }

    /// The same as a part of a transaction.
    pub(crate) fn part(&self, expression: Expression) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(expression.key))
            .update_expression(expression.update)
            .condition_expression(expression.condition)
            .set_expression_attribute_names(aliases(expression.names))
            .set_expression_attribute_values(Some(expression.values.into_iter().collect()))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        item(update.build(), |write, update| write.update(update))
    }
}

/// In an expression, `#name` stands for the attribute `name`. DynamoDB refuses an empty map of them.
fn aliases(names: Vec<String>) -> Option<HashMap<String, String>> {
    (!names.is_empty()).then(|| names.into_iter().map(|name| (format!("#{name}"), name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_names_are_no_map() {
        assert_eq!(aliases(Vec::new()), None);
        let state = HashMap::from([("#state".to_owned(), "state".to_owned())]);
        assert_eq!(aliases(vec!["state".to_owned()]), Some(state));
    }
}
