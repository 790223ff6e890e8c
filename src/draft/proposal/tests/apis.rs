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
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn github_repository() {
    let shown = shown(&[
        r##"{"id":1296269,"node_id":"MDEw","name":"Hello-World","full_name":"octocat/Hello-World","owner":{"login":"octocat","id":1,"site_admin":false},"private":false,"fork":false,"created_at":"2011-01-26T19:01:12Z","size":108,"homepage":"","language":null,"topics":["a","b"],"license":{"key":"mit","spdx_id":"MIT"},"default_branch":"main"}"##,
        r##"{"id":2,"node_id":"MDEx","name":"linux","full_name":"torvalds/linux","owner":{"login":"torvalds","id":2,"site_admin":false},"private":false,"fork":false,"created_at":"2011-09-04T22:48:12Z","size":99999,"homepage":"https://kernel.org","language":"C","topics":[],"license":null,"default_branch":"master"}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn github_search() {
    let shown = shown(&[
        r##"{"total_count":40,"incomplete_results":false,"items":[{"id":1,"name":"a","owner":{"login":"x"},"score":1.0},{"id":2,"name":"b","owner":{"login":"y"},"score":1.0}]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn stripe_list() {
    let shown = shown(&[
        r##"{"object":"list","url":"/v1/charges","has_more":true,"data":[{"id":"ch_1","object":"charge","amount":100,"created":1700000000,"metadata":{},"paid":true}]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn elasticsearch() {
    let shown = shown(&[
        r##"{"took":5,"timed_out":false,"_shards":{"total":5,"successful":5},"hits":{"total":{"value":1000,"relation":"eq"},"max_score":1.3,"hits":[{"_index":"films","_id":"1","_score":1.3,"_source":{"title":"Ran","year":1985,"tags":["a"]}},{"_index":"films","_id":"2","_score":null,"_source":{"title":"Ikiru","year":1952,"tags":[]}}]}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn json_api_list() {
    let shown = shown(&[
        r##"{"links":{"self":"http://x/articles","next":"http://x/articles?page[offset]=2"},"data":[{"type":"articles","id":"1","attributes":{"title":"JSON:API","id":"x"},"relationships":{"author":{"data":{"type":"people","id":"9"}}},"links":{"self":"http://x/articles/1"}}],"included":[{"type":"people","id":"9"}]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn json_api_one() {
    let shown = shown(&[
        r##"{"data":{"type":"articles","id":"1","attributes":{"title":"JSON:API","created":"2015-05-22T14:56:29.000Z"}}}"##,
        r##"{"data":{"type":"articles","id":"2","attributes":{"title":"Other","created":"2016-05-22T14:56:29.000Z"}}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn geojson() {
    let shown = shown(&[
        r##"{"type":"FeatureCollection","metadata":{"generated":1,"count":2},"features":[{"type":"Feature","properties":{"mag":4.5,"place":"A","time":1700000000000},"geometry":{"type":"Point","coordinates":[1.5,2.5,3]},"id":"us1"},{"type":"Feature","properties":{"mag":5,"place":null,"time":1700000000001},"geometry":{"type":"Point","coordinates":[1.5,2.5,3]},"id":"us2"}],"bbox":[1,2]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn odata() {
    let shown = shown(&[
        r##"{"@odata.context":"https://x/$metadata#People","@odata.count":20,"value":[{"@odata.id":"x","UserName":"russellwhyte","Emails":["a@b.c"],"AddressInfo":[{"Address":"x"}],"Concurrency":637}],"@odata.nextLink":"https://x/People?$skiptoken=8"}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn pokeapi_list() {
    let shown = shown(&[
        r##"{"count":1302,"next":"https://pokeapi.co/api/v2/pokemon?offset=20&limit=20","previous":null,"results":[{"name":"bulbasaur","url":"https://x/1/"},{"name":"ivysaur","url":"https://x/2/"}]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn pokeapi_one() {
    let shown = shown(&[
        r##"{"abilities":[{"ability":{"name":"limber","url":"u"},"is_hidden":false,"slot":1}],"base_experience":101,"cries":{"latest":"u","legacy":"v"},"height":3,"id":132,"name":"ditto","moves":[{"move":{"name":"transform","url":"u"}}],"sprites":{"back_default":"u","front_shiny":null,"other":{"home":{"front":"x"}}},"weight":40}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn openlibrary_search() {
    let shown = shown(&[
        r##"{"numFound":629,"start":0,"numFoundExact":true,"docs":[{"author_key":["OL26320A"],"author_name":["Tolkien"],"cover_i":258027,"first_publish_year":1954,"key":"/works/OL27448W","title":"LOTR"}],"num_found":629,"q":"the lord","offset":null}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn openlibrary_book() {
    let shown = shown(&[
        r##"{"publishers":["Penguin"],"title":"Fantastic Mr. Fox","number_of_pages":96,"isbn_13":["9780140328721"],"created":{"type":"/type/datetime","value":"2008-04-29T13:35:46.876380"},"latest_revision":26,"physical_format":"Paperback"}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn crossref_work() {
    let shown = shown(&[
        r##"{"status":"ok","message-type":"work","message-version":"1.0.0","message":{"DOI":"10.1/x","title":["A"],"issued":{"date-parts":[[2020,1]]},"is-referenced-by-count":5,"author":[{"given":"A","family":"B"}],"score":1}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn crossref_list() {
    let shown = shown(&[
        r##"{"status":"ok","message-type":"work-list","message-version":"1.0.0","message":{"facets":{},"next-cursor":"AoE=","total-results":100,"items":[{"DOI":"10.1/x","type":"journal-article"}],"items-per-page":1,"query":{"start-index":0,"search-terms":null}}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn wikipedia_pages() {
    let shown = shown(&[
        r##"{"batchcomplete":"","query":{"pages":{"736":{"pageid":736,"ns":0,"title":"Albert Einstein","length":200000}}}}"##,
        r##"{"batchcomplete":"","query":{"pages":{"9228":{"pageid":9228,"ns":0,"title":"Earth","length":190000}}}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn wikipedia_search() {
    let shown = shown(&[
        r##"{"batchcomplete":"","continue":{"sroffset":10,"continue":"-||"},"query":{"searchinfo":{"totalhits":500},"search":[{"ns":0,"title":"Einstein","pageid":736,"timestamp":"2024-01-01T00:00:00Z"}]}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn ncbi_esummary() {
    let shown = shown(&[
        r##"{"header":{"type":"esummary","version":"0.3"},"result":{"uids":["1"],"1":{"uid":"1","pubdate":"1975 Jun","source":"Biochem Med","authors":[{"name":"A"}],"pmcrefcount":"","title":"Formate"}}}"##,
        r##"{"header":{"type":"esummary","version":"0.3"},"result":{"uids":["2"],"2":{"uid":"2","pubdate":"1975 Oct","source":"Bio","authors":[],"pmcrefcount":4,"title":"Other"}}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn open_meteo() {
    let shown = shown(&[
        r##"{"latitude":52.52,"longitude":13.42,"generationtime_ms":0.2,"utc_offset_seconds":0,"hourly_units":{"time":"iso8601","temperature_2m":"°C"},"hourly":{"time":["2024-01-01T00:00","2024-01-01T01:00"],"temperature_2m":[1.5,null]}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn pubchem() {
    let shown = shown(&[
        r##"{"PropertyTable":{"Properties":[{"CID":2244,"MolecularFormula":"C9H8O4","MolecularWeight":"180.16"}]}}"##,
        r##"{"PropertyTable":{"Properties":[{"CID":962,"MolecularFormula":"H2O","MolecularWeight":"18.015"}]}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn shopify_products() {
    let shown = shown(&[
        r##"{"products":[{"id":632910392,"title":"IPod","vendor":"Apple","created_at":"2024-01-02T09:00:00-05:00","tags":"a, b","variants":[{"id":1,"price":"199.00"}],"image":null}]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn shopify_product() {
    let shown = shown(&[
        r##"{"product":{"id":632910392,"title":"IPod","price":"199.00","published_at":null}}"##,
        r##"{"product":{"id":7,"title":"Mini","price":"1,299.50","published_at":null}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn graph_api() {
    let shown = shown(&[
        r##"{"data":[{"id":"1","created_time":"2024-01-01T10:00:00+0000","message":"x"}],"paging":{"cursors":{"before":"a","after":"b"},"next":"https://graph.facebook.com/v1/x?after=b"}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn salesforce() {
    let shown = shown(&[
        r##"{"totalSize":2,"done":false,"nextRecordsUrl":"/services/data/v59.0/query/01g-2000","records":[{"attributes":{"type":"Account","url":"/x"},"Id":"001","Name":"A","AnnualRevenue":1000.5,"BillingAddress":null}]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn hacker_news() {
    let shown = shown(&[
        r##"{"by":"dhouston","descendants":71,"id":8863,"kids":[9224,8952],"score":104,"time":1175714200,"title":"My YC app","type":"story","url":"http://x"}"##,
        r##"null"##,
        r##"{"by":"norvig","id":2921983,"parent":2921506,"text":"Aw","time":1314211127,"type":"comment"}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn openalex() {
    let shown = shown(&[
        r##"{"meta":{"count":100,"db_response_time_ms":5,"page":1,"per_page":25},"results":[{"id":"https://openalex.org/W1","doi":null,"publication_date":"2020-01-01","ids":{"openalex":"x"},"cited_by_count":5,"open_access":{"is_oa":true,"oa_url":null}}],"group_by":[]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn google_books() {
    let shown = shown(&[
        r##"{"kind":"books#volumes","totalItems":1,"items":[{"kind":"books#volume","id":"a","volumeInfo":{"title":"X","pageCount":5,"publishedDate":"2004"}}]}"##,
        r##"{"kind":"books#volumes","totalItems":0}"##,
        r##"{"kind":"books#volumes","totalItems":1,"items":[{"kind":"books#volume","id":"b","volumeInfo":{"title":"Y","pageCount":6,"publishedDate":"2004-05"}}]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn tmdb_list() {
    let shown = shown(&[
        r##"{"id":550,"page":1,"results":[{"author":"x","content":"y","created_at":"2018-04-09T13:36:43.000Z","rating":null}],"total_pages":3,"total_results":50}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn rest_countries() {
    let shown = shown(&[
        r##"[{"name":{"common":"Peru","official":"Republic of Peru"},"tld":[".pe"],"cca2":"PE","independent":true,"currencies":{"PEN":{"name":"sol"}},"latlng":[-10,-76],"area":1285216.0}]"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn world_bank() {
    let shown = shown(&[
        r##"[{"page":1,"pages":2,"per_page":"50","total":60},[{"indicator":{"id":"SP.POP.TOTL","value":"Population"},"countryiso3code":"BRA","date":"2022","value":215313498},{"indicator":{"id":"SP.POP.TOTL","value":"Population"},"countryiso3code":"BRA","date":"2021","value":214326223}]]"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn graphql() {
    let shown = shown(&[
        r##"{"data":{"films":{"pageInfo":{"hasNextPage":true,"endCursor":"x"},"edges":[{"cursor":"a","node":{"id":"1","title":"Ran","director":{"name":"K"}}}]}}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn hal_spring() {
    let shown = shown(&[
        r##"{"_embedded":{"films":[{"title":"Ran","_links":{"self":{"href":"http://x/1"}}}]},"_links":{"self":{"href":"http://x"},"next":{"href":"http://x?page=1"}},"page":{"size":20,"totalElements":40,"totalPages":2,"number":0}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn youtube() {
    let shown = shown(&[
        r##"{"kind":"youtube#searchListResponse","etag":"x","nextPageToken":"CAUQAA","regionCode":"US","pageInfo":{"totalResults":100,"resultsPerPage":1},"items":[{"kind":"youtube#searchResult","id":{"kind":"youtube#video","videoId":"a"},"snippet":{"title":"X","publishedAt":"2020-01-01T00:00:00Z"}}]}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn slack() {
    let shown = shown(&[
        r##"{"ok":true,"channels":[{"id":"C1","name":"general","created":1449252889,"is_archived":false}],"response_metadata":{"next_cursor":"dGVhbTpDMDYxRkE1UEI="}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn hubspot() {
    let shown = shown(&[
        r##"{"results":[{"id":"1","properties":{"createdate":"2019-10-30T03:30:17.883Z","email":"a@b.c","hs_object_id":"1"},"createdAt":"2019-10-30T03:30:17.883Z","archived":false}],"paging":{"next":{"after":"2","link":"https://x?after=2"}}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn airtable() {
    let shown = shown(&[
        r##"{"records":[{"id":"rec1","createdTime":"2022-09-12T21:03:48.000Z","fields":{"Name":"A","Qty":2}}],"offset":"itr/rec"}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn alpha_vantage() {
    let shown = shown(&[
        r##"{"Global Quote":{"01. symbol":"IBM","02. open":"133.1100","06. volume":"3217573","07. latest trading day":"2023-05-19","10. change percent":"-0.1%"}}"##,
    ]);
    insta::assert_snapshot!(shown, @"");
}
