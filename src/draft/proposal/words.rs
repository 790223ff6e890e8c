//! What APIs call the parts of their answers that are about the answer, and not about what was asked for.

/// Names of what holds the answer's rows or its one object.
const CONTAINERS: &str = " data items results result records record rows entries entry elements objects object docs \
    documents document hits features value values list content contents members member response responses payload body \
    message esearchresult searchresults collection nodes edges embedded query resources resource d output ";

/// Names of facts about the answer and its pages. What begins with `total` or `next` is, too.
const FACTS: &str = " page pages perpage pagesize pagenumber pagecount currentpage lastpage numpages pageindex size limit \
    offset start skip from to count found numfound numfoundexact prev previous first last more hasmore hasnext done \
    islast cursor token links link self meta metadata info paging pagination pageinfo pageable searchinfo status success \
    ok code statuscode responsecode message messagetype messageversion msg error errors errormessage warnings took \
    timedout timeout shards kind etag context odatacontext odatacount odatanextlink odatadeltalink jsonapi header \
    responseheader request requestid apiversion version license attribution copyright facets groupby included help \
    quotamax quotaremaining time timestamp generated generationtimems duration bbox crs highlighting batchcomplete \
    continue warnings responsemetadata expand startat maxresults itemsperpage startindex empty sort numberofelements \
    resultcount response maxscore scroll scrollid pitid q query url href type object schema stat maxpage ";

/// Names of what wraps the facts of one object, without a meaning of its own.
const WRAPPERS: &str = " source attributes properties fields node resource document ";

/// A name without what tells it apart: `@odata.nextLink` is `odatanextlink`.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_one_of(words: &str, name: &str) -> bool {
    let bare = bare(name);
    !bare.is_empty() && words.contains(&format!(" {bare} "))
}

/// Whether it is commonly called so what holds rows, or the one object.
pub(super) fn is_container(name: &str) -> bool {
    is_one_of(CONTAINERS, name)
}

/// Whether it is a fact about the answer.
pub(super) fn is_fact(name: &str) -> bool {
    let bare = bare(name);
    let begins = ["total", "next", "prev", "hasmore"].iter().any(|word| bare.starts_with(word));
    begins || is_one_of(FACTS, name)
}

/// Whether it wraps the facts of one object.
pub(super) fn is_wrapper(name: &str) -> bool {
    is_one_of(WRAPPERS, name)
}

/// Whether it is a fact about pages.
pub(super) fn is_of_pages(name: &str) -> bool {
    let bare = bare(name);
    ["total", "next", "prev", "hasmore", "page", "cursor", "offset"].iter().any(|word| bare.starts_with(word))
}
