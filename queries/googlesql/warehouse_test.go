package googlesql_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-googlesql"

	"assay/queries"
)

// warehouse is the analyzer with the tables that there are: those of the user,
// and those that the statements have made.
type warehouse struct {
	catalog *googlesql.SimpleCatalog
	options *googlesql.AnalyzerOptions
	types   *googlesql.TypeFactory

	language *googlesql.LanguageOptions
	folders  map[string]*googlesql.SimpleCatalog // of tables in several parts
	tables   map[string]table
	kept     []any // what the catalog points to, and Go must not free
}

// table is one of the user's, or one that a statement has made.
type table struct {
	path   []string
	made   string // the statement
	object *googlesql.SimpleTable
}

// column of a table or of a result. The type is BigQuery's name of it.
type column struct{ Name, Type string }

// features are what the statements and the user's own SQL may use of the
// language; each is in the reference of BigQuery. Many more are in the analyzer
// that BigQuery has not, or not yet.
var features = []googlesql.LanguageFeature{
	googlesql.LanguageFeatureFeatureAnalyticFunctions,
	googlesql.LanguageFeatureFeatureQualify,
	googlesql.LanguageFeatureFeatureGroupByRollup,
	googlesql.LanguageFeatureFeatureGroupingSets,
	googlesql.LanguageFeatureFeatureGroupingBuiltin,
	googlesql.LanguageFeatureFeatureNullsFirstLastInOrderBy,
	googlesql.LanguageFeatureFeatureNullHandlingModifierInAnalytic,
	googlesql.LanguageFeatureFeatureHavingInAggregate,
	googlesql.LanguageFeatureFeatureOrderByInAggregate,
	googlesql.LanguageFeatureFeatureLimitInAggregate,
	googlesql.LanguageFeatureFeatureSelectStarExceptReplace,
	googlesql.LanguageFeatureFeatureWithOnSubquery,
	googlesql.LanguageFeatureFeatureCivilTime,
	googlesql.LanguageFeatureFeatureDateTimeConstructors,
	googlesql.LanguageFeatureFeatureExtendedDateTimeSignatures,
	googlesql.LanguageFeatureFeatureSafeFunctionCall,
	googlesql.LanguageFeatureFeatureIsDistinct,
	googlesql.LanguageFeatureFeatureLikeAnySomeAll,
	googlesql.LanguageFeatureFeatureAdditionalStringFunctions,
	googlesql.LanguageFeatureFeatureConcatMixedTypes,
	googlesql.LanguageFeatureFeatureNumericType,
	googlesql.LanguageFeatureFeatureBignumericType,
	googlesql.LanguageFeatureFeatureJsonType,
	googlesql.LanguageFeatureFeatureJsonValueExtractionFunctions,
	googlesql.LanguageFeatureFeatureNamedArguments,
	googlesql.LanguageFeatureFeatureUnenforcedPrimaryKeys,
	googlesql.LanguageFeatureFeatureCreateTableNotNull,
	googlesql.LanguageFeatureFeatureCreateTableClusterBy,
}

var initialise = sync.OnceValue(googlesql.Init)

// newWarehouse has the tables of a file of CREATE TABLE statements.
func newWarehouse(path string) (*warehouse, error) {
	if err := initialise(); err != nil {
		return nil, err
	}
	w := &warehouse{tables: map[string]table{}}
	if err := w.open(); err != nil {
		return nil, err
	}
	if err := w.fill(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for _, sql := range strings.Split(strings.TrimSpace(string(text)), ";\n") {
		if _, err := w.run(queries.Statement{Name: path, SQL: sql}); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *warehouse) open() error {
	language, err := googlesql.NewLanguageOptions()
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return language.SetProductMode(googlesql.ProductModeProductExternal) },
		language.SetSupportsAllStatementKinds,
		func() error { return language.EnableReservableKeyword("QUALIFY", true) },
		func() (err error) { w.types, err = googlesql.NewTypeFactory(); return err },
		func() (err error) { w.options, err = googlesql.NewAnalyzerOptions2(); return err },
		func() error { return w.options.SetLanguage(language) },
	}
	for _, feature := range features {
		steps = slices.Insert(steps, 0, func() error { return language.EnableLanguageFeature(feature) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	w.language = language
	return nil
}

// fill makes a catalog of the functions and of the tables that there are: no
// table can be taken out of one.
func (w *warehouse) fill() (err error) {
	w.folders = map[string]*googlesql.SimpleCatalog{}
	if w.catalog, err = googlesql.NewSimpleCatalog("warehouse", w.types); err != nil {
		return err
	}
	builtin := &googlesql.BuiltinFunctionOptions{LanguageOptions: w.language}
	if err := w.catalog.AddBuiltinFunctionsAndTypes(builtin); err != nil {
		return err
	}
	for _, t := range w.tables {
		if err := w.add(t); err != nil {
			return err
		}
	}
	return nil
}

func (w *warehouse) add(t table) error {
	folder, err := w.folder(t.path[:len(t.path)-1])
	if err != nil {
		return err
	}
	return folder.AddTable(t.object)
}

// state names the tables that a statement may read, as they are.
func (w *warehouse) state(sql string) string {
	key := sql
	for _, name := range slices.Sorted(maps.Keys(w.tables)) {
		if strings.HasPrefix(name, "assay_") && strings.Contains(sql, name) {
			key += "\x00" + w.tables[name].made
		}
	}
	return key
}

// readable are the types of output columns that the connectors read.
var readable = []string{"INT64", "FLOAT64", "STRING"}

// outermost finds the casts that stand in the last SELECT of a statement.
var outermost = regexp.MustCompile(`(?m)^  CAST\(.* AS ([A-Z0-9]+)\) AS ([a-z0-9_]+),?(?: --.*)?$`)

// run analyzes a statement. A table that it makes is there from then on, with
// the types that the analyzer gives to its columns; the columns of a result have
// to be readable, and what their casts say.
func (w *warehouse) run(st queries.Statement) ([]column, error) {
	out, err := googlesql.AnalyzeStatement(st.SQL, w.options, w.catalog, w.types)
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", st.Name, err, numbered(st.SQL))
	}
	resolved, err := out.ResolvedStatement()
	if err != nil {
		return nil, err
	}
	switch made := resolved.(type) {
	case *googlesql.ResolvedCreateTableStmt:
		w.kept = append(w.kept, out)
		return w.create(st.SQL, made)
	case *googlesql.ResolvedCreateTableAsSelectStmt:
		w.kept = append(w.kept, out)
		return w.create(st.SQL, made)
	case *googlesql.ResolvedQueryStmt:
		columns, err := outputs(made)
		if err == nil {
			err = legible(st, columns)
		}
		return columns, err
	default:
		return nil, fmt.Errorf("%s is a %T", st.Name, resolved)
	}
}

// legible checks the types of a result.
func legible(st queries.Statement, columns []column) error {
	casts := map[string]string{}
	for _, m := range outermost.FindAllStringSubmatch(st.SQL, -1) {
		casts[m[2]] = m[1]
	}
	for _, c := range columns {
		want, isCast := casts[c.Name]
		if !isCast {
			want = "STRING"
		}
		delete(casts, c.Name)
		if c.Type != want || !slices.Contains(readable, c.Type) {
			return fmt.Errorf("%s: column %s is %s, want %s, one of %v\n%s", st.Name, c.Name, c.Type, want, readable, st.SQL)
		}
	}
	if len(casts) > 0 || len(columns) == 0 {
		return fmt.Errorf("%s: columns %v do not come out of\n%s", st.Name, casts, st.SQL)
	}
	return nil
}

func outputs(query *googlesql.ResolvedQueryStmt) ([]column, error) {
	list, err := query.OutputColumnList()
	if err != nil {
		return nil, err
	}
	var columns []column
	for _, output := range list {
		name, err := output.Name()
		if err != nil {
			return nil, err
		}
		resolved, err := output.Column()
		if err != nil {
			return nil, err
		}
		typ, err := resolved.Type()
		if err != nil {
			return nil, err
		}
		text, err := typeName(typ)
		if err != nil {
			return nil, err
		}
		columns = append(columns, column{name, text})
	}
	return columns, nil
}

// typeName is BigQuery's name of a type.
func typeName(typ googlesql.Googlesql_TypeNode) (string, error) {
	kind, err := typ.Kind()
	if kind == googlesql.TypeKindTypeDouble {
		return "FLOAT64", err
	}
	return strings.ToUpper(strings.TrimPrefix(kind.String(), "TypeKindType")), err
}

// definition is what the analyzer makes of a CREATE TABLE statement.
type definition interface {
	NamePath() ([]string, error)
	ColumnDefinitionList() ([]*googlesql.ResolvedColumnDefinition, error)
}

// create puts a table into the catalog, in place of one that had its name in
// another look.
func (w *warehouse) create(sql string, made definition) ([]column, error) {
	path, err := made.NamePath()
	if err != nil {
		return nil, err
	}
	list, err := made.ColumnDefinitionList()
	if err != nil {
		return nil, err
	}
	t := table{path: path, made: sql}
	if t.object, err = googlesql.NewSimpleTable(path[len(path)-1], 0); err != nil {
		return nil, err
	}
	var columns []column
	for _, d := range list {
		c, err := w.define(t.object, path[len(path)-1], d)
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	full := strings.Join(path, ".")
	_, again := w.tables[full]
	w.tables[full] = t
	if again {
		return columns, w.fill()
	}
	return columns, w.add(t)
}

// define adds a column to a table.
func (w *warehouse) define(
	table *googlesql.SimpleTable, name string, d *googlesql.ResolvedColumnDefinition,
) (column, error) {
	label, err := d.Name()
	if err != nil {
		return column{}, err
	}
	typ, err := d.Type()
	if err != nil {
		return column{}, err
	}
	text, err := typeName(typ)
	if err != nil {
		return column{}, err
	}
	c, err := googlesql.NewSimpleColumn(name, label, typ, false, true)
	if err != nil {
		return column{}, err
	}
	w.kept = append(w.kept, c, typ)
	return column{label, text}, table.AddColumn2(c, false)
}

// folder is the catalog of a dataset.
func (w *warehouse) folder(path []string) (*googlesql.SimpleCatalog, error) {
	if len(path) == 0 {
		return w.catalog, nil
	}
	full := strings.Join(path, ".")
	if w.folders[full] != nil {
		return w.folders[full], nil
	}
	parent, err := w.folder(path[:len(path)-1])
	if err != nil {
		return nil, err
	}
	w.folders[full], err = parent.MakeOwnedSimpleCatalog(path[len(path)-1])
	return w.folders[full], err
}

// numbered is SQL with its line numbers, which the analyzer's errors name.
func numbered(sql string) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(sql) {
		n++
		fmt.Fprintf(&b, "%4d  %s", n, line)
	}
	return b.String()
}
