package devserver

import (
	"strings"

	"lakelink/internal/devserver/schema"
)

// schemaDate is when everything of the schema was made, as far as metadata tells.
const schemaDate = "2026-01-01T00:00:00Z"

// textLabel is a text in the one language of the environment, US English.
func textLabel(text, id string) object {
	if text == "" {
		return object{{"LocalizedLabels", []object{}}, {"UserLocalizedLabel", nil}}
	}
	one := object{{"Label", text}, {"LanguageCode", 1033}, {"IsManaged", true}, {"MetadataId", id}, {"HasChanged", nil}}
	return object{{"LocalizedLabels", []object{one}}, {"UserLocalizedLabel", one}}
}

// managed is a managed property.
func managed(name string, value, canChange bool) object {
	return object{{"Value", value}, {"CanBeChanged", canChange}, {"ManagedPropertyLogicalName", name}}
}

// text is s, or null where there is none.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// optimistic says whether writes to a table may ask for a version (IsOptimisticConcurrencyEnabled).
func optimistic(t *schema.Table) bool { return t.Column("versionnumber") != nil && !t.Intersect }

// tableDefinition is the EntityMetadata of a table, in the original's order.
func tableDefinition(t *schema.Table) object {
	hasState := t.Column("statecode") != nil
	return object{
		{"MetadataId", t.ID},
		{"HasChanged", nil},
		{"ActivityTypeMask", 0},
		{"AutoRouteToOwnerQueue", false},
		{"CanTriggerWorkflow", !t.Intersect},
		{"EntityHelpUrlEnabled", false},
		{"EntityHelpUrl", nil},
		{"IsDocumentManagementEnabled", false},
		{"IsOneNoteIntegrationEnabled", false},
		{"IsInteractionCentricEnabled", false},
		{"IsKnowledgeManagementEnabled", false},
		{"IsSLAEnabled", false},
		{"IsBPFEntity", false},
		{"IsDocumentRecommendationsEnabled", false},
		{"IsMSTeamsIntegrationEnabled", false},
		{"SettingOf", nil},
		{"DataProviderId", nil},
		{"DataSourceId", nil},
		{"AutoCreateAccessTeams", false},
		{"IsActivity", t.Activity},
		{"IsActivityParty", isParty(t)},
		{"IsRetrieveAuditEnabled", false},
		{"IsRetrieveMultipleAuditEnabled", false},
		{"IsArchivalEnabled", false},
		{"IsAvailableOffline", !t.Intersect},
		{"IsChildEntity", false},
		{"IsAIRUpdated", true},
		{"IconLargeName", nil},
		{"IconMediumName", nil},
		{"IconSmallName", nil},
		{"IconVectorName", nil},
		{"IsCustomEntity", t.Custom},
		{"IsBusinessProcessEnabled", false},
		{"SyncToExternalSearchIndex", false},
		{"IsOptimisticConcurrencyEnabled", optimistic(t)},
		{"ChangeTrackingEnabled", t.ChangeTracked},
		{"IsImportable", !t.Intersect},
		{"IsIntersect", t.Intersect},
		{"IsManaged", !t.Custom},
		{"IsEnabledForCharts", true},
		{"IsEnabledForTrace", false},
		{"IsValidForAdvancedFind", !t.Intersect},
		{"DaysSinceRecordLastModified", 0},
		{"MobileOfflineFilters", ""},
		{"IsReadingPaneEnabled", true},
		{"IsQuickCreateEnabled", false},
		{"LogicalName", t.LogicalName},
		{"ObjectTypeCode", t.TypeCode},
		{"OwnershipType", t.Ownership},
		{"PrimaryNameAttribute", text(t.PrimaryName)},
		{"PrimaryImageAttribute", nil},
		{"PrimaryIdAttribute", t.PrimaryID},
		{"RecurrenceBaseEntityLogicalName", nil},
		{"ReportViewName", "Filtered" + t.SchemaName},
		{"SchemaName", t.SchemaName},
		{"IntroducedVersion", "5.0.0.0"},
		{"IsStateModelAware", hasState},
		{"EnforceStateTransitions", false},
		{"ExternalName", nil},
		{"EntityColor", nil},
		{"LogicalCollectionName", t.EntitySet},
		{"ExternalCollectionName", nil},
		{"CollectionSchemaName", collectionSchemaName(t)},
		{"EntitySetName", t.EntitySet},
		{"IsEnabledForExternalChannels", false},
		{"IsPrivate", false},
		{"UsesBusinessDataLabelTable", false},
		{"IsLogicalEntity", false},
		{"HasNotes", false},
		{"HasActivities", false},
		{"HasFeedback", false},
		{"IsSolutionAware", false},
		{"CreatedOn", schemaDate},
		{"ModifiedOn", schemaDate},
		{"HasEmailAddresses", t.Column("emailaddress1") != nil},
		{"OwnerId", nil},
		{"OwnerIdType", 8},
		{"OwningBusinessUnit", nil},
		{"TableType", tableType(t)},
		{"IsRetentionEnabled", false},
		{"ClusterMode", "Partitioned"},
		{"Description", textLabel(t.Description, t.ID)},
		{"DisplayCollectionName", textLabel(t.DisplayName, t.ID)},
		{"DisplayName", textLabel(t.DisplayName, t.ID)},
		{"IsAuditEnabled", managed("canmodifyauditsettings", false, true)},
		{"IsValidForQueue", managed("canmodifyqueuesettings", t.Activity, true)},
		{"IsConnectionsEnabled", managed("canmodifyconnectionsettings", false, true)},
		{"IsCustomizable", managed("iscustomizable", true, false)},
		{"IsRenameable", managed("isrenameable", true, false)},
		{"IsMappable", managed("ismappable", true, false)},
		{"IsDuplicateDetectionEnabled", managed("canmodifyduplicatedetectionsettings", false, true)},
		{"CanCreateAttributes", managed("cancreateattributes", true, false)},
		{"CanCreateForms", managed("cancreateforms", true, false)},
		{"CanCreateViews", managed("cancreateviews", true, false)},
		{"CanCreateCharts", managed("cancreatecharts", true, false)},
		{"CanBeRelatedEntityInRelationship", managed("canberelatedentityinrelationship", true, false)},
		{"CanBePrimaryEntityInRelationship", managed("canbeprimaryentityinrelationship", true, false)},
		{"CanBeInManyToMany", managed("canbeinmanytomany", true, false)},
		{"CanBeInCustomEntityAssociation", managed("canbeincustomentityassociation", true, false)},
		{"CanEnableSyncToExternalSearchIndex", managed("canenablesynctoexternalsearchindex", true, true)},
		{"CanModifyAdditionalSettings", managed("canmodifyadditionalsettings", true, false)},
		{"CanChangeHierarchicalRelationship", managed("canchangehierarchicalrelationship", true, false)},
		{"CanChangeTrackingBeEnabled", managed("canchangetrackingbeenabled", t.CanTrack, t.CanTrack)},
		{"IsMailMergeEnabled", managed("ismailmergeenabled", false, false)},
		{"IsVisibleInMobile", managed("canmodifymobilevisibility", false, true)},
		{"IsVisibleInMobileClient", managed("canmodifymobileclientvisibility", false, true)},
		{"IsReadOnlyInMobileClient", managed("canmodifymobileclientreadonly", false, true)},
		{"IsOfflineInMobileClient", managed("canmodifymobileclientoffline", false, true)},
	}
}

// collectionSchemaName is the entity set name in the case of the schema name.
func collectionSchemaName(t *schema.Table) string {
	if rest, ok := strings.CutPrefix(t.EntitySet, t.LogicalName); ok {
		return t.SchemaName + rest
	}
	return t.EntitySet
}

func tableType(t *schema.Table) string {
	if t.Activity {
		return "Activity"
	}
	return "Standard"
}

// isParty says whether rows of a table can take part in activities.
func isParty(t *schema.Table) bool {
	switch t.LogicalName {
	case "account", "contact", "lead", "systemuser", "queue", "knowledgearticle", "entitlement":
		return true
	}
	return false
}

// relationshipDefinition is the OneToManyRelationshipMetadata of a lookup's relationship.
func relationshipDefinition(rel *schema.Relationship) object {
	menu := object{{"Behavior", "UseCollectionName"}, {"Group", "Details"}, {"Label", textLabel("", "")}, {"Order", 10000},
		{"IsCustomizable", true}, {"Icon", nil}, {"ViewId", "00000000-0000-0000-0000-000000000000"},
		{"AvailableOffline", true}, {"MenuId", nil}, {"QueryApi", nil}}
	cascade := object{{"Assign", "NoCascade"}, {"Delete", "RemoveLink"}, {"Archive", "NoCascade"}, {"Merge", "NoCascade"},
		{"Reparent", "NoCascade"}, {"Share", "NoCascade"}, {"Unshare", "NoCascade"}, {"RollupView", "NoCascade"}}
	return object{
		{"MetadataId", rel.ID},
		{"HasChanged", nil},
		{"IsCustomRelationship", strings.Contains(rel.SchemaName, "new_")},
		{"IsCustomizable", managed("iscustomizable", true, false)},
		{"IsManaged", true},
		{"IsValidForAdvancedFind", true},
		{"SchemaName", rel.SchemaName},
		{"SecurityTypes", "Append"},
		{"IntroducedVersion", "5.0.0.0"},
		{"RelationshipType", "OneToManyRelationship"},
		{"AssociatedMenuConfiguration", menu},
		{"CascadeConfiguration", cascade},
		{"ReferencedAttribute", rel.ReferencedColumn},
		{"ReferencedEntity", rel.ReferencedEntity},
		{"ReferencingAttribute", rel.ReferencingColumn},
		{"ReferencingEntity", rel.ReferencingEntity},
		{"ReferencedEntityNavigationPropertyName", text(rel.ReferencedProperty)},
		{"ReferencingEntityNavigationPropertyName", rel.ReferencingProperty},
		{"IsHierarchical", false},
		{"EntityKey", nil},
		{"RelationshipAttributes", []object{}},
		{"RelationshipBehavior", 1},
		{"DenormalizedAttributeName", nil},
		{"IsDenormalizedLookup", false},
	}
}

// manyToManyDefinition is the ManyToManyRelationshipMetadata of a relationship.
func manyToManyDefinition(rel *schema.ManyToMany) object {
	return object{
		{"MetadataId", rel.ID},
		{"HasChanged", nil},
		{"IsCustomRelationship", strings.Contains(rel.SchemaName, "new_")},
		{"IsCustomizable", managed("iscustomizable", true, false)},
		{"IsManaged", true},
		{"IsValidForAdvancedFind", true},
		{"SchemaName", rel.SchemaName},
		{"SecurityTypes", "None"},
		{"IntroducedVersion", "5.0.0.0"},
		{"RelationshipType", "ManyToManyRelationship"},
		{"Entity1LogicalName", rel.Entity1},
		{"Entity1IntersectAttribute", rel.Entity1Attribute},
		{"Entity1NavigationPropertyName", rel.Entity1Property},
		{"Entity2LogicalName", rel.Entity2},
		{"Entity2IntersectAttribute", rel.Entity2Attribute},
		{"Entity2NavigationPropertyName", rel.Entity2Property},
		{"IntersectEntityName", rel.IntersectEntity},
	}
}
