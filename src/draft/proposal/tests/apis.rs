//! Answers of APIs that many use, in small.

use super::support::*;

#[test]
fn omdb() {
    let shown = shown(&[
        r#"{"Title":"The Godfather","Year":"1972","Rated":"R","Released":"24 Mar 1972","Runtime":"175 min","Plot":"N/A","Ratings":[{"Source":"imdb","Value":"9.2/10"}],"Metascore":"100","imdbRating":"9.2","imdbVotes":"1,071","imdbID":"tt0068646","Type":"movie","DVD":"N/A","BoxOffice":"$136,381,073","Response":"True"}"#,
        r#"{"Title":"Ran","Year":"1985","Rated":"N/A","Released":"1 Jun 1985","Runtime":"160 min","Plot":"x","Ratings":[],"Metascore":"N/A","imdbRating":"8.2","imdbVotes":"135,501","imdbID":"tt0089881","Type":"movie","DVD":"N/A","BoxOffice":"N/A","Response":"True"}"#,
        r#"{"Title":"Short","Year":"2001","Rated":"N/A","Released":"N/A","Runtime":"9 min","Plot":"y","Ratings":[],"Metascore":"71","imdbRating":"7.0","imdbVotes":"12","imdbID":"tt0000001","Type":"movie","DVD":"N/A","BoxOffice":"$1,200","Response":"True"}"#,
        r#"{"Title":"Other","Year":"2002","Rated":"N/A","Released":"3 May 2002","Runtime":"19 min","Plot":"y","Ratings":[],"Metascore":"61","imdbRating":"7.1","imdbVotes":"120","imdbID":"tt0000002","Type":"movie","DVD":"N/A","BoxOffice":"$1,300","Response":"True"}"#,
        r#"{"Response":"False","Error":"Incorrect IMDb ID."}"#,
    ]);
    insta::assert_snapshot!(shown, @r#"
    missing = '.Response == "False"'  # 1 of 5 answers said {"Response":"False","Error":"Incorrect IMDb ID."}
    nulls = ["N/A"]  # in several columns
      title = ".Title"
      year = { jq = ".Year", type = "bigint" }
      rated = ".Rated"
      released = { jq = ".Released", format = "%d %b %Y", type = "date" }
      runtime = { jq = ".Runtime", regex = "^(.+?)(?: min)?$", type = "bigint" }
      plot = ".Plot"
      ratings = { jq = ".Ratings", type = "json" }
      metascore = { jq = ".Metascore", type = "bigint" }
      imdb_rating = { jq = ".imdbRating", type = "double" }
      imdb_votes = { jq = ".imdbVotes", remove = ",", type = "bigint" }
      imdb_id = ".imdbID"
      type = ".Type"
      dvd = ".DVD"  # only "N/A"
      box_office = { jq = ".BoxOffice", remove = "$,", type = "double" }  # all in $
      response = { jq = ".Response", type = "boolean" }
    "#);
}

#[test]
fn github_repository() {
    let shown = shown(&[
        r##"{"id":1296269,"node_id":"MDEw","name":"Hello-World","full_name":"octocat/Hello-World","owner":{"login":"octocat","id":1,"site_admin":false},"private":false,"fork":false,"created_at":"2011-01-26T19:01:12Z","size":108,"homepage":"","language":null,"topics":["a","b"],"license":{"key":"mit","spdx_id":"MIT"},"default_branch":"main"}"##,
        r##"{"id":2,"node_id":"MDEx","name":"linux","full_name":"torvalds/linux","owner":{"login":"torvalds","id":2,"site_admin":false},"private":false,"fork":false,"created_at":"2011-09-04T22:48:12Z","size":99999,"homepage":"https://kernel.org","language":"C","topics":[],"license":null,"default_branch":"master"}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    id_2 = { jq = ".id", type = "bigint" }
    node_id = ".node_id"
    name = ".name"
    full_name = ".full_name"
    owner_login = ".owner.login"
    owner_id = { jq = ".owner.id", type = "bigint" }
    owner_site_admin = { jq = ".owner.site_admin", type = "boolean" }
    private = { jq = ".private", type = "boolean" }
    fork = { jq = ".fork", type = "boolean" }
    created_at = { jq = ".created_at", type = "timestamp" }
    size = { jq = ".size", type = "bigint" }
    homepage = ".homepage"
    language = ".language"
    topics = { jq = ".topics", type = "json" }  # a list
    license_key = ".license.key"
    license_spdx_id = ".license.spdx_id"
    default_branch = ".default_branch"
    "#);
}

#[test]
fn github_search() {
    let shown = shown(&[
        r##"{"total_count":40,"incomplete_results":false,"items":[{"id":1,"name":"a","owner":{"login":"x"},"score":1.0},{"id":2,"name":"b","owner":{"login":"y"},"score":1.0}]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".items[]"  # 2 rows in 1 answer; left out: .total_count
      id_2 = { jq = ".id", type = "bigint" }
      name = ".name"
      owner_login = ".owner.login"
      score = { jq = ".score", type = "double" }
      incomplete_results = { jq = ".incomplete_results", from = "answer", type = "boolean" }
    note: an answer has 2 of the 40 rows that `.total_count` counts, and no way to the next page was found: see `pages`, or rows are lost
    "#);
}

#[test]
fn stripe_list() {
    let shown = shown(&[
        r##"{"object":"list","url":"/v1/charges","has_more":true,"data":[{"id":"ch_1","object":"charge","amount":100,"created":1700000000,"metadata":{},"paid":true}]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".data[]"  # 1 row in 1 answer; left out: .object, .url, .has_more
    pages = { cursor = "if .has_more then .data[-1].id else null end", cursor_param = "starting_after" }  # `has_more`, as Stripe pages its lists
      id_2 = ".id"
      object = ".object"
      amount = { jq = ".amount", type = "bigint" }
      created = { jq = ".created", type = "bigint" }
      metadata = { jq = ".metadata", type = "json" }
      paid = { jq = ".paid", type = "boolean" }
    "#);
}

#[test]
fn elasticsearch() {
    let shown = shown(&[
        r##"{"took":5,"timed_out":false,"_shards":{"total":5,"successful":5},"hits":{"total":{"value":1000,"relation":"eq"},"max_score":1.3,"hits":[{"_index":"films","_id":"1","_score":1.3,"_source":{"title":"Ran","year":1985,"tags":["a"]}},{"_index":"films","_id":"2","_score":null,"_source":{"title":"Ikiru","year":1952,"tags":[]}}]}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".hits.hits[]"  # 2 rows in 1 answer; left out: .took, .timed_out, ._shards, .hits.total, .hits.max_score
      index_ = "._index"
      id_2 = "._id"  # digits that by `id` name something
      score = { jq = "._score", type = "double" }
      title = "._source.title"
      year = { jq = "._source.year", type = "bigint" }
      tags = { jq = "._source.tags", type = "json" }  # a list
    note: an answer has 2 of the 1000 rows that `.hits.total.value` counts, and no way to the next page was found: see `pages`, or rows are lost
    "#);
}

#[test]
fn json_api_list() {
    let shown = shown(&[
        r##"{"links":{"self":"http://x/articles","next":"http://x/articles?page[offset]=2"},"data":[{"type":"articles","id":"1","attributes":{"title":"JSON:API","id":"x"},"relationships":{"author":{"data":{"type":"people","id":"9"}}},"links":{"self":"http://x/articles/1"}}],"included":[{"type":"people","id":"9"}]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".data[]"  # 1 row in 1 answer; left out: .links, .included
    pages = { next = ".links.next" }  # `.links.next` is the next page's URL
      type = ".type"
      id_2 = ".id"  # digits that by `id` name something
      title = ".attributes.title"
      attributes_id = ".attributes.id"
      relationships_author = { jq = ".relationships.author", type = "json" }
      links_self = ".links.self"
    "#);
}

#[test]
fn json_api_one() {
    let shown = shown(&[
        r##"{"data":{"type":"articles","id":"1","attributes":{"title":"JSON:API","created":"2015-05-22T14:56:29.000Z"}}}"##,
        r##"{"data":{"type":"articles","id":"2","attributes":{"title":"Other","created":"2016-05-22T14:56:29.000Z"}}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    type = ".data.type"
    id_2 = ".data.id"  # digits that by `id` name something
    title = ".data.attributes.title"
    created = { jq = ".data.attributes.created", type = "timestamp" }
    "#);
}

#[test]
fn geojson() {
    let shown = shown(&[
        r##"{"type":"FeatureCollection","metadata":{"generated":1,"count":2},"features":[{"type":"Feature","properties":{"mag":4.5,"place":"A","time":1700000000000},"geometry":{"type":"Point","coordinates":[1.5,2.5,3]},"id":"us1"},{"type":"Feature","properties":{"mag":5,"place":null,"time":1700000000001},"geometry":{"type":"Point","coordinates":[1.5,2.5,3]},"id":"us2"}],"bbox":[1,2]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".features[]"  # 2 rows in 1 answer; left out: .type, .metadata, .bbox
      type = ".type"
      mag = { jq = ".properties.mag", type = "double" }
      place = ".properties.place"
      time = { jq = ".properties.time", type = "bigint" }
      geometry_type = ".geometry.type"
      geometry_coordinates = { jq = ".geometry.coordinates", type = "json" }  # a list
      id_2 = ".id"
    "#);
}

#[test]
fn odata() {
    let shown = shown(&[
        r##"{"@odata.context":"https://x/$metadata#People","@odata.count":20,"value":[{"@odata.id":"x","UserName":"russellwhyte","Emails":["a@b.c"],"AddressInfo":[{"Address":"x"}],"Concurrency":637}],"@odata.nextLink":"https://x/People?$skiptoken=8"}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".value[]"  # 1 row in 1 answer; left out: ."@odata.context", ."@odata.count", ."@odata.nextLink"
    pages = { next = '."@odata.nextLink"' }  # `."@odata.nextLink"` is the next page's URL
      odata_id = '."@odata.id"'
      user_name = ".UserName"
      emails = { jq = ".Emails", type = "json" }  # a list
      address_info = { jq = ".AddressInfo", type = "json" }
      concurrency = { jq = ".Concurrency", type = "bigint" }
    "#);
}

#[test]
fn pokeapi_list() {
    let shown = shown(&[
        r##"{"count":1302,"next":"https://pokeapi.co/api/v2/pokemon?offset=20&limit=20","previous":null,"results":[{"name":"bulbasaur","url":"https://x/1/"},{"name":"ivysaur","url":"https://x/2/"}]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".results[]"  # 2 rows in 1 answer; left out: .count, .next, .previous
    pages = { next = ".next" }  # `.next` is the next page's URL
      name = ".name"
      url = ".url"
    "#);
}

#[test]
fn pokeapi_one() {
    let shown = shown(&[
        r##"{"abilities":[{"ability":{"name":"limber","url":"u"},"is_hidden":false,"slot":1}],"base_experience":101,"cries":{"latest":"u","legacy":"v"},"height":3,"id":132,"name":"ditto","moves":[{"move":{"name":"transform","url":"u"}}],"sprites":{"back_default":"u","front_shiny":null,"other":{"home":{"front":"x"}}},"weight":40}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    abilities = { jq = ".abilities", type = "json" }
    base_experience = { jq = ".base_experience", type = "bigint" }
    cries_latest = ".cries.latest"
    cries_legacy = ".cries.legacy"
    height = { jq = ".height", type = "bigint" }
    id_2 = { jq = ".id", type = "bigint" }
    name = ".name"
    moves = { jq = ".moves", type = "json" }
    sprites_back_default = ".sprites.back_default"
    sprites_front_shiny = ".sprites.front_shiny"  # null in all 1
    sprites_other = { jq = ".sprites.other", type = "json" }
    weight = { jq = ".weight", type = "bigint" }
    "#);
}

#[test]
fn openlibrary_search() {
    let shown = shown(&[
        r##"{"numFound":629,"start":0,"numFoundExact":true,"docs":[{"author_key":["OL26320A"],"author_name":["Tolkien"],"cover_i":258027,"first_publish_year":1954,"key":"/works/OL27448W","title":"LOTR"}],"num_found":629,"q":"the lord","offset":null}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".docs[]"  # 1 row in 1 answer; left out: .numFound, .start, .numFoundExact, .num_found, .q, .offset
      author_key = { jq = ".author_key", type = "json" }  # a list
      author_name = { jq = ".author_name", type = "json" }  # a list
      cover_i = { jq = ".cover_i", type = "bigint" }
      first_publish_year = { jq = ".first_publish_year", type = "bigint" }
      key_ = ".key"
      title = ".title"
    note: an answer has 1 of the 629 rows that `.numFound` counts, and no way to the next page was found: see `pages`, or rows are lost
    "#);
}

#[test]
fn openlibrary_book() {
    let shown = shown(&[
        r##"{"publishers":["Penguin"],"title":"Fantastic Mr. Fox","number_of_pages":96,"isbn_13":["9780140328721"],"created":{"type":"/type/datetime","value":"2008-04-29T13:35:46.876380"},"latest_revision":26,"physical_format":"Paperback"}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    publishers = { jq = ".publishers", type = "json" }  # a list
    title = ".title"
    number_of_pages = { jq = ".number_of_pages", type = "bigint" }
    isbn_13 = { jq = ".isbn_13", type = "json" }  # a list
    created_type = ".created.type"
    created_value = { jq = ".created.value", type = "timestamp" }  # without a time zone, so read as UTC: if it is another, add `zone`
    latest_revision = { jq = ".latest_revision", type = "bigint" }
    physical_format = ".physical_format"
    "#);
}

#[test]
fn crossref_work() {
    let shown = shown(&[
        r##"{"status":"ok","message-type":"work","message-version":"1.0.0","message":{"DOI":"10.1/x","title":["A"],"issued":{"date-parts":[[2020,1]]},"is-referenced-by-count":5,"author":[{"given":"A","family":"B"}],"score":1}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    doi = ".message.DOI"
    title = { jq = ".message.title", type = "json" }  # a list
    issued_date_parts = { jq = '.message.issued."date-parts"', type = "json" }
    is_referenced_by_count = { jq = '.message."is-referenced-by-count"', type = "bigint" }
    author = { jq = ".message.author", type = "json" }
    score = { jq = ".message.score", type = "bigint" }
    "#);
}

#[test]
fn crossref_list() {
    let shown = shown(&[
        r##"{"status":"ok","message-type":"work-list","message-version":"1.0.0","message":{"facets":{},"next-cursor":"AoE=","total-results":100,"items":[{"DOI":"10.1/x","type":"journal-article"}],"items-per-page":1,"query":{"start-index":0,"search-terms":null}}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".message.items[]"  # 1 row in 1 answer; left out: .status, ."message-type", ."message-version", .message.facets, .message."next-cursor", .message."total-results", …
      doi = ".DOI"
      type = ".type"
    note: `.message."next-cursor"` leads to the next page: name the parameter that takes it, pages = { cursor = '.message."next-cursor"', cursor_param = "…" }, or rows are lost
    "#);
}

#[test]
fn wikipedia_pages() {
    let shown = shown(&[
        r##"{"batchcomplete":"","query":{"pages":{"736":{"pageid":736,"ns":0,"title":"Albert Einstein","length":200000}}}}"##,
        r##"{"batchcomplete":"","query":{"pages":{"9228":{"pageid":9228,"ns":0,"title":"Earth","length":190000}}}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
      pageid = { jq = ".query.pages[].pageid", type = "bigint" }
      ns = { jq = ".query.pages[].ns", type = "bigint" }
      title = ".query.pages[].title"
      length = { jq = ".query.pages[].length", type = "bigint" }
    note: answers are objects keyed by an id (736): columns are taken from whatever key there is
    "#);
}

#[test]
fn wikipedia_search() {
    let shown = shown(&[
        r##"{"batchcomplete":"","continue":{"sroffset":10,"continue":"-||"},"query":{"searchinfo":{"totalhits":500},"search":[{"ns":0,"title":"Einstein","pageid":736,"timestamp":"2024-01-01T00:00:00Z"}]}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".query.search[]"  # 1 row in 1 answer; left out: .batchcomplete, .continue, .query.searchinfo
    pages = { cursor = ".continue.sroffset", cursor_param = "sroffset" }  # `.continue.sroffset` stands for the next page
      ns = { jq = ".ns", type = "bigint" }
      title = ".title"
      pageid = { jq = ".pageid", type = "bigint" }
      timestamp = { jq = ".timestamp", type = "timestamp" }
    "#);
}

#[test]
fn ncbi_esummary() {
    let shown = shown(&[
        r##"{"header":{"type":"esummary","version":"0.3"},"result":{"uids":["1"],"1":{"uid":"1","pubdate":"1975 Jun","source":"Biochem Med","authors":[{"name":"A"}],"pmcrefcount":"","title":"Formate"}}}"##,
        r##"{"header":{"type":"esummary","version":"0.3"},"result":{"uids":["2"],"2":{"uid":"2","pubdate":"1975 Oct","source":"Bio","authors":[],"pmcrefcount":4,"title":"Other"}}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
      uid = "(.result | del(.uids))[].uid"  # digits that by `uid` name something
      pubdate = "(.result | del(.uids))[].pubdate"
      source = "(.result | del(.uids))[].source"
      authors = { jq = "(.result | del(.uids))[].authors", type = "json" }
      pmcrefcount = "(.result | del(.uids))[].pmcrefcount"
      title = "(.result | del(.uids))[].title"
    note: answers are objects keyed by an id (1): columns are taken from whatever key there is
    "#);
}

#[test]
fn open_meteo() {
    let shown = shown(&[
        r##"{"latitude":52.52,"longitude":13.42,"generationtime_ms":0.2,"utc_offset_seconds":0,"hourly_units":{"time":"iso8601","temperature_2m":"°C"},"hourly":{"time":["2024-01-01T00:00","2024-01-01T01:00"],"temperature_2m":[1.5,null]}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".hourly | [.time, .temperature_2m] | transpose[]"  # lists side by side, 2 rows in 1 answer
      time = { jq = ".[0]", type = "timestamp" }  # without a time zone, so read as UTC: if it is another, add `zone`
      temperature_2m = { jq = ".[1]", type = "double" }
      latitude = { jq = ".latitude", from = "answer", type = "double" }
      longitude = { jq = ".longitude", from = "answer", type = "double" }
      utc_offset_seconds = { jq = ".utc_offset_seconds", from = "answer", type = "bigint" }
      hourly_units_time = { jq = ".hourly_units.time", from = "answer" }
      hourly_units_temperature_2m = { jq = ".hourly_units.temperature_2m", from = "answer" }
    "#);
}

#[test]
fn pubchem() {
    let shown = shown(&[
        r##"{"PropertyTable":{"Properties":[{"CID":2244,"MolecularFormula":"C9H8O4","MolecularWeight":"180.16"}]}}"##,
        r##"{"PropertyTable":{"Properties":[{"CID":962,"MolecularFormula":"H2O","MolecularWeight":"18.015"}]}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".PropertyTable.Properties[]"  # 2 rows in 2 answers
      cid = { jq = ".CID", type = "bigint" }
      molecular_formula = ".MolecularFormula"
      molecular_weight = { jq = ".MolecularWeight", type = "double" }
    "#);
}

#[test]
fn shopify_products() {
    let shown = shown(&[
        r##"{"products":[{"id":632910392,"title":"IPod","vendor":"Apple","created_at":"2024-01-02T09:00:00-05:00","tags":"a, b","variants":[{"id":1,"price":"199.00"}],"image":null}]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".products[]"  # 1 row in 1 answer
      id_2 = { jq = ".id", type = "bigint" }
      title = ".title"
      vendor = ".vendor"
      created_at = { jq = ".created_at", type = "timestamp" }
      tags = ".tags"
      variants = { jq = ".variants", type = "json" }
      image = ".image"  # null in all 1
    "#);
}

#[test]
fn shopify_product() {
    let shown = shown(&[
        r##"{"product":{"id":632910392,"title":"IPod","price":"199.00","published_at":null}}"##,
        r##"{"product":{"id":7,"title":"Mini","price":"1,299.50","published_at":null}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    id_2 = { jq = ".product.id", type = "bigint" }
    title = ".product.title"
    price = { jq = ".product.price", remove = ",", type = "double" }
    published_at = ".product.published_at"  # null in all 2
    "#);
}

#[test]
fn graph_api() {
    let shown = shown(&[
        r##"{"data":[{"id":"1","created_time":"2024-01-01T10:00:00+0000","message":"x"}],"paging":{"cursors":{"before":"a","after":"b"},"next":"https://graph.facebook.com/v1/x?after=b"}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".data[]"  # 1 row in 1 answer; left out: .paging
    pages = { next = ".paging.next" }  # `.paging.next` is the next page's URL
      id_2 = ".id"  # digits that by `id` name something
      created_time = { jq = ".created_time", type = "timestamp" }
      message = ".message"
    "#);
}

#[test]
fn salesforce() {
    let shown = shown(&[
        r##"{"totalSize":2,"done":false,"nextRecordsUrl":"/services/data/v59.0/query/01g-2000","records":[{"attributes":{"type":"Account","url":"/x"},"Id":"001","Name":"A","AnnualRevenue":1000.5,"BillingAddress":null}]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".records[]"  # 1 row in 1 answer; left out: .totalSize, .done, .nextRecordsUrl
    pages = { next = ".nextRecordsUrl" }  # `.nextRecordsUrl` is the next page's URL
      attributes_type = ".attributes.type"
      attributes_url = ".attributes.url"
      id_2 = ".Id"
      name = ".Name"
      annual_revenue = { jq = ".AnnualRevenue", type = "double" }
      billing_address = ".BillingAddress"  # null in all 1
    "#);
}

#[test]
fn hacker_news() {
    let shown = shown(&[
        r##"{"by":"dhouston","descendants":71,"id":8863,"kids":[9224,8952],"score":104,"time":1175714200,"title":"My YC app","type":"story","url":"http://x"}"##,
        r##"null"##,
        r##"{"by":"norvig","id":2921983,"parent":2921506,"text":"Aw","time":1314211127,"type":"comment"}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    missing = ". == null"  # 1 of 3 answers said null
      by_ = ".by"
      descendants = { jq = ".descendants", type = "bigint" }
      id_2 = { jq = ".id", type = "bigint" }
      kids = { jq = ".kids", type = "json" }  # a list
      score = { jq = ".score", type = "bigint" }
      time = { jq = ".time", type = "bigint" }
      title = ".title"
      type = ".type"
      url = ".url"
      parent = { jq = ".parent", type = "bigint" }
      text = ".text"
    "#);
}

#[test]
fn openalex() {
    let shown = shown(&[
        r##"{"meta":{"count":100,"db_response_time_ms":5,"page":1,"per_page":25},"results":[{"id":"https://openalex.org/W1","doi":null,"publication_date":"2020-01-01","ids":{"openalex":"x"},"cited_by_count":5,"open_access":{"is_oa":true,"oa_url":null}}],"group_by":[]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".results[]"  # 1 row in 1 answer; left out: .meta, .group_by
      id_2 = ".id"
      doi = ".doi"  # null in all 1
      publication_date = { jq = ".publication_date", type = "date" }
      ids_openalex = ".ids.openalex"
      cited_by_count = { jq = ".cited_by_count", type = "bigint" }
      open_access_is_oa = { jq = ".open_access.is_oa", type = "boolean" }
      open_access_oa_url = ".open_access.oa_url"  # null in all 1
    note: an answer has 1 of the 100 rows that `.meta.count` counts, and no way to the next page was found: see `pages`, or rows are lost
    "#);
}

#[test]
fn google_books() {
    let shown = shown(&[
        r##"{"kind":"books#volumes","totalItems":1,"items":[{"kind":"books#volume","id":"a","volumeInfo":{"title":"X","pageCount":5,"publishedDate":"2004"}}]}"##,
        r##"{"kind":"books#volumes","totalItems":0}"##,
        r##"{"kind":"books#volumes","totalItems":1,"items":[{"kind":"books#volume","id":"b","volumeInfo":{"title":"Y","pageCount":6,"publishedDate":"2004-05"}}]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    missing = ".items == null"  # 1 of 3 answers said {"kind":"books#volumes","totalItems":0}
    rows = ".items[]"  # 2 rows in 2 answers; left out: .kind, .totalItems
      kind = ".kind"
      id_2 = ".id"
      volume_info_title = ".volumeInfo.title"
      volume_info_page_count = { jq = ".volumeInfo.pageCount", type = "bigint" }
      volume_info_published_date = ".volumeInfo.publishedDate"
    "#);
}

#[test]
fn tmdb_list() {
    let shown = shown(&[
        r##"{"id":550,"page":1,"results":[{"author":"x","content":"y","created_at":"2018-04-09T13:36:43.000Z","rating":null}],"total_pages":3,"total_results":50}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".results[]"  # 1 row in 1 answer; left out: .page, .total_pages, .total_results
      author = ".author"
      content = ".content"
      created_at = { jq = ".created_at", type = "timestamp" }
      rating = ".rating"  # null in all 1
      id_2 = { jq = ".id", from = "answer", type = "bigint" }
    note: `.total_pages` says that there are more rows, and no way to the next page was found: see `pages`, or rows are lost
    "#);
}

#[test]
fn rest_countries() {
    let shown = shown(&[
        r##"[{"name":{"common":"Peru","official":"Republic of Peru"},"tld":[".pe"],"cca2":"PE","independent":true,"currencies":{"PEN":{"name":"sol"}},"latlng":[-10,-76],"area":1285216.0}]"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".[]"  # 1 row in 1 answer
      name_common = ".name.common"
      name_official = ".name.official"
      tld = { jq = ".tld", type = "json" }  # a list
      cca2 = ".cca2"
      independent = { jq = ".independent", type = "boolean" }
      currencies_pen = { jq = ".currencies.PEN", type = "json" }
      latlng = { jq = ".latlng", type = "json" }  # a list
      area = { jq = ".area", type = "double" }
    "#);
}

#[test]
fn world_bank() {
    let shown = shown(&[
        r##"[{"page":1,"pages":2,"per_page":"50","total":60},[{"indicator":{"id":"SP.POP.TOTL","value":"Population"},"countryiso3code":"BRA","date":"2022","value":215313498},{"indicator":{"id":"SP.POP.TOTL","value":"Population"},"countryiso3code":"BRA","date":"2021","value":214326223}]]"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".[1][]"  # 2 rows in 1 answer; left out: .[0]
      indicator_id = ".indicator.id"
      indicator_value = ".indicator.value"
      countryiso3code = ".countryiso3code"
      date = { jq = ".date", type = "bigint" }
      value = { jq = ".value", type = "bigint" }
    note: `.[0].pages` says that there are more rows, and no way to the next page was found: see `pages`, or rows are lost
    "#);
}

#[test]
fn graphql() {
    let shown = shown(&[
        r##"{"data":{"films":{"pageInfo":{"hasNextPage":true,"endCursor":"x"},"edges":[{"cursor":"a","node":{"id":"1","title":"Ran","director":{"name":"K"}}}]}}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".data.films.edges[]"  # 1 row in 1 answer; left out: .data.films.pageInfo
      cursor = ".cursor"
      node_id = ".node.id"  # digits that by `id` name something
      title = ".node.title"
      director_name = ".node.director.name"
    note: `.data.films.pageInfo.hasNextPage` says that there are more rows, and no way to the next page was found: see `pages`, or rows are lost
    "#);
}

#[test]
fn hal_spring() {
    let shown = shown(&[
        r##"{"_embedded":{"films":[{"title":"Ran","_links":{"self":{"href":"http://x/1"}}}]},"_links":{"self":{"href":"http://x"},"next":{"href":"http://x?page=1"}},"page":{"size":20,"totalElements":40,"totalPages":2,"number":0}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = "._embedded.films[]"  # 1 row in 1 answer; left out: ._links, .page
    pages = { next = "._links.next.href" }  # `._links.next.href` is the next page's URL
      title = ".title"
      links_self = { jq = "._links.self", type = "json" }
    "#);
}

#[test]
fn youtube() {
    let shown = shown(&[
        r##"{"kind":"youtube#searchListResponse","etag":"x","nextPageToken":"CAUQAA","regionCode":"US","pageInfo":{"totalResults":100,"resultsPerPage":1},"items":[{"kind":"youtube#searchResult","id":{"kind":"youtube#video","videoId":"a"},"snippet":{"title":"X","publishedAt":"2020-01-01T00:00:00Z"}}]}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".items[]"  # 1 row in 1 answer; left out: .kind, .etag, .nextPageToken, .pageInfo
    pages = { cursor = ".nextPageToken", cursor_param = "pageToken" }  # `.nextPageToken` stands for the next page
      kind = ".kind"
      id_kind = ".id.kind"
      id_video_id = ".id.videoId"
      snippet_title = ".snippet.title"
      snippet_published_at = { jq = ".snippet.publishedAt", type = "timestamp" }
      region_code = { jq = ".regionCode", from = "answer" }
    "#);
}

#[test]
fn slack() {
    let shown = shown(&[
        r##"{"ok":true,"channels":[{"id":"C1","name":"general","created":1449252889,"is_archived":false}],"response_metadata":{"next_cursor":"dGVhbTpDMDYxRkE1UEI="}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".channels[]"  # 1 row in 1 answer; left out: .ok, .response_metadata
    pages = { cursor = ".response_metadata.next_cursor", cursor_param = "cursor" }  # `.response_metadata.next_cursor` stands for the next page
      id_2 = ".id"
      name = ".name"
      created = { jq = ".created", type = "bigint" }
      is_archived = { jq = ".is_archived", type = "boolean" }
    "#);
}

#[test]
fn hubspot() {
    let shown = shown(&[
        r##"{"results":[{"id":"1","properties":{"createdate":"2019-10-30T03:30:17.883Z","email":"a@b.c","hs_object_id":"1"},"createdAt":"2019-10-30T03:30:17.883Z","archived":false}],"paging":{"next":{"after":"2","link":"https://x?after=2"}}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".results[]"  # 1 row in 1 answer; left out: .paging
    pages = { next = ".paging.next.link" }  # `.paging.next.link` is the next page's URL
      id_2 = ".id"  # digits that by `id` name something
      createdate = { jq = ".properties.createdate", type = "timestamp" }
      email = ".properties.email"
      hs_object_id = ".properties.hs_object_id"  # digits that by `id` name something
      created_at = { jq = ".createdAt", type = "timestamp" }
      archived = { jq = ".archived", type = "boolean" }
    "#);
}

#[test]
fn airtable() {
    let shown = shown(&[
        r##"{"records":[{"id":"rec1","createdTime":"2022-09-12T21:03:48.000Z","fields":{"Name":"A","Qty":2}}],"offset":"itr/rec"}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    rows = ".records[]"  # 1 row in 1 answer; left out: .offset
    pages = { cursor = ".offset", cursor_param = "offset" }  # `.offset` stands for the next page
      id_2 = ".id"
      created_time = { jq = ".createdTime", type = "timestamp" }
      name = ".fields.Name"
      qty = { jq = ".fields.Qty", type = "bigint" }
    "#);
}

#[test]
fn alpha_vantage() {
    let shown = shown(&[
        r##"{"Global Quote":{"01. symbol":"IBM","02. open":"133.1100","06. volume":"3217573","07. latest trading day":"2023-05-19","10. change percent":"-0.1%"}}"##,
    ]);
    insta::assert_snapshot!(shown, @r#"
    _01_symbol = '."Global Quote"."01. symbol"'
    _02_open = { jq = '."Global Quote"."02. open"', type = "double" }
    _06_volume = { jq = '."Global Quote"."06. volume"', type = "bigint" }
    _07_latest_trading_day = { jq = '."Global Quote"."07. latest trading day"', type = "date" }
    _10_change_percent = { jq = '."Global Quote"."10. change percent"', remove = "%", type = "double" }  # all in %
    "#);
}

#[test]
fn wikipedia_pages_of_which_one_is_unknown() {
    let shown = shown(&[
        r#"{"batchcomplete":"","query":{"pages":{"736":{"pageid":736,"ns":0,"title":"Albert Einstein"}}}}"#,
        r#"{"batchcomplete":"","query":{"pages":{"-1":{"ns":0,"title":"Xyzzy","missing":""}}}}"#,
    ]);
    insta::assert_snapshot!(shown, @r#"
    missing = ".query.pages[].missing != null"  # 1 of 2 answers had `missing` in the object, as for -1
      pageid = { jq = ".query.pages[].pageid", type = "bigint" }
      ns = { jq = ".query.pages[].ns", type = "bigint" }
      title = ".query.pages[].title"
    note: answers are objects keyed by an id (736): columns are taken from whatever key there is
    "#);
}

#[test]
fn open_library_books_keyed_by_the_id() {
    let samples = [
        sample("9780140328721", 200, r#"{"ISBN:9780140328721":{"title":"Fox","pages":96}}"#),
        sample("9780140328722", 200, r#"{"ISBN:9780140328722":{"title":"Box","pages":97}}"#),
        sample("1", 200, "{}"),
    ];
    insta::assert_snapshot!(shown_of(&samples), @r#"
    missing = ". == {}"  # 1 of 3 answers said {}
      title = ".[].title"
      pages = { jq = ".[].pages", type = "bigint" }
    note: answers are objects keyed by an id (ISBN:9780140328721): columns are taken from whatever key there is
    "#);
}

#[test]
fn open_food_facts() {
    let shown = shown(&[
        r#"{"code":"737628064502","product":{"_id":"737628064502","product_name":"Noodles","nutriments":{"salt":"0.5"}},"status":1,"status_verbose":"product found"}"#,
        r#"{"code":"1","status":0,"status_verbose":"product not found"}"#,
    ]);
    insta::assert_snapshot!(shown, @r#"
    missing = ".status == 0"  # 1 of 2 answers said {"code":"1","status":0,"status_verbose":"product not found"}
      code = ".code"  # digits that by `code` name something
      product_id = ".product._id"  # digits that by `id` name something
      product_product_name = ".product.product_name"
      product_nutriments = { jq = ".product.nutriments", type = "json" }
      status = { jq = ".status", type = "bigint" }
      status_verbose = ".status_verbose"
    "#);
}
