// Package schema holds the tables of a local Dataverse environment: what the metadata part of
// the Web API tells about them, and what rows may hold. It knows nothing of storage or HTTP.
package schema

// A Type is a column's AttributeTypeName without its "Type" suffix (spec/dataverse-web-api.md §2.3).
type Type string

// The column types of Dataverse.
const (
	String              Type = "String"
	Memo                Type = "Memo"
	Integer             Type = "Integer"
	BigInt              Type = "BigInt"
	Decimal             Type = "Decimal"
	Double              Type = "Double"
	Money               Type = "Money"
	Boolean             Type = "Boolean"
	DateTime            Type = "DateTime"
	Picklist            Type = "Picklist"
	MultiSelectPicklist Type = "MultiSelectPicklist"
	State               Type = "State"
	Status              Type = "Status"
	Lookup              Type = "Lookup"
	Customer            Type = "Customer"
	Owner               Type = "Owner"
	PartyList           Type = "PartyList"
	Uniqueidentifier    Type = "Uniqueidentifier"
	EntityName          Type = "EntityName"
	Virtual             Type = "Virtual"
)

// A Behavior is a date column's DateTimeBehavior (§2.4).
type Behavior string

// The three behaviours.
const (
	UserLocal           Behavior = "UserLocal"
	DateOnly            Behavior = "DateOnly"
	TimeZoneIndependent Behavior = "TimeZoneIndependent"
)

// An Option is one value of a choice.
type Option struct {
	Value int
	Label string
	State int // status reasons only: the state it belongs to
	// DefaultStatus, of the options of a State column, is the status reason a row gets with that state.
	DefaultStatus int
}

// A Column is one attribute of a table.
type Column struct {
	LogicalName   string
	SchemaName    string
	DisplayName   string
	ID            string // MetadataId, lower case; the same in every environment made from this schema
	Number        int    // ColumnNumber, from 1; never reused inside a table, so stored rows are keyed by it
	Type          Type
	MaxLength     int    // String and Memo: UTF-16 units
	MinValue      string // numbers, as decimal text; "" where there is none
	MaxValue      string
	Precision     int    // Decimal, Double, Money: digits after the point
	Format        string // "DateAndTime", "Email", ...
	Behavior      Behavior
	Targets       []string // Lookup, Customer, Owner: logical names
	Options       []Option // choices, State, Status; Boolean has two, value 1 first
	GlobalChoice  string   // name of the global choice the options come from; "" for a local one
	AttributeOf   string   // the column this one accompanies; such columns are not on the wire
	ValidOData    bool     // IsValidODataAttribute: false means not a property on the wire
	ReadOnly      bool     // refused or ignored in writes
	RequiredLevel string   // None, Recommended, ApplicationRequired, SystemRequired
	CalculationOf string   // Money: the column whose base-currency twin this is
	Custom        bool     // IsCustomAttribute
}

// A Relationship is a many-to-one relationship, seen from the referencing table.
type Relationship struct {
	SchemaName          string
	ID                  string // MetadataId
	ReferencingEntity   string
	ReferencingColumn   string
	ReferencedEntity    string
	ReferencedColumn    string
	ReferencingProperty string // navigation property on the referencing table (§2.5)
	ReferencedProperty  string // collection-valued navigation property on the referenced table
}

// A Table is one entity.
type Table struct {
	LogicalName   string
	SchemaName    string
	EntitySet     string
	DisplayName   string
	Description   string
	ID            string // MetadataId
	TypeCode      int    // ObjectTypeCode
	PrimaryID     string
	PrimaryName   string // "" where the table has none
	Ownership     string // UserOwned, OrganizationOwned, BusinessOwned, None
	Activity      bool
	Intersect     bool
	Custom        bool
	ChangeTracked bool // ChangeTrackingEnabled
	CanTrack      bool // CanChangeTrackingBeEnabled.Value
	Columns       []*Column
	Relationships []*Relationship // many-to-one
	// LastNumber is the highest column number ever given out here, so that a number is not reused
	// after its column is gone.
	LastNumber int
	byName     map[string]*Column
}

// A ManyToMany relationship connects the rows of two tables through an intersect table.
type ManyToMany struct {
	SchemaName       string
	ID               string // MetadataId
	IntersectEntity  string
	Entity1          string
	Entity1Attribute string // the intersect table's column with the id of Entity1's row
	Entity1Property  string // navigation property on Entity1
	Entity2          string
	Entity2Attribute string
	Entity2Property  string // navigation property on Entity2
}

// A Choice is a global choice (option set) shared by columns.
type Choice struct {
	Name        string
	DisplayName string
	ID          string
	Options     []Option
}

// A Schema is all tables of an environment. It may be read by many goroutines as long as none
// changes it; who wants to change it changes a Clone and swaps the two.
type Schema struct {
	Tables     []*Table // by logical name
	Choices    []*Choice
	ManyToMany []*ManyToMany
	byName     map[string]*Table
	bySet      map[string]*Table
}
