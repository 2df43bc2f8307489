"""Word lists: stop words, words without weight, irregular forms, things that exclude one another.

Written for reports of research, in its authors' own words.
"""

from __future__ import annotations

__all__ = ["GREEK", "IRREGULAR", "LIGHT_WORDS", "SIBLINGS", "STOP_WORDS"]

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "κ": "kappa",
    "λ": "lambda", "θ": "theta", "σ": "sigma", "ω": "omega", "τ": "tau", "ζ": "zeta",
    "η": "eta", "π": "pi", "ρ": "rho", "φ": "phi", "χ": "chi", "ψ": "psi", "ς": "sigma",
}  # fmt: skip
"""Greek letters by name: papers write both."""

IRREGULAR = {
    "mice": "mouse", "feet": "foot", "teeth": "tooth", "men": "man", "women": "woman",
    "children": "child", "people": "person", "criteria": "criterion", "phenomena": "phenomenon",
    "bacteria": "bacterium", "analyses": "analysis", "hypotheses": "hypothesis", "led": "lead",
    "found": "find", "shown": "show", "gave": "give", "given": "give", "rose": "rise",
    "risen": "rise", "fell": "fall", "fallen": "fall", "grew": "grow", "grown": "grow",
    "made": "make", "took": "take", "taken": "take", "held": "hold", "kept": "keep",
    "built": "build", "bound": "bind", "lost": "lose", "died": "die", "death": "die",
    "deaths": "die", "dead": "die", "dying": "die", "better": "good", "best": "good",
    "worse": "bad", "worst": "bad", "wrote": "write", "written": "write", "chose": "choose",
    "chosen": "choose", "begun": "begin", "drove": "drive", "driven": "drive",
    "ran": "run", "spread": "spread", "taught": "teach", "sought": "seek", "brought": "bring",
    "metastases": "metastasis", "mitochondria": "mitochondrion", "viruses": "virus",
    "indices": "index", "matrices": "matrix", "data": "data", "shrank": "shrink",
    "length": "long", "lengths": "long", "lengthy": "long", "strength": "strong",
    "said": "say", "thought": "think", "told": "tell", "went": "go", "gone": "go",
    "came": "come", "saw": "see", "got": "get", "began": "begin", "meant": "mean",
    "spoke": "speak", "stood": "stand", "felt": "feel", "knew": "know", "paid": "pay",
    "sent": "send", "spent": "spend", "won": "win", "fed": "feed", "slept": "sleep",
    "ate": "eat", "eaten": "eat", "drank": "drink", "swollen": "swell", "proven": "prove",
    "outperforms": "outperform", "outperformed": "outperform", "outperforming": "outperform",
}  # fmt: skip
"""Forms that the stemmer does not bring to one stem."""

STOP_WORDS = frozenset(
    """
    a about above across after again against ago all almost along already also although always am
    among an and another any are around as at back be became because become becomes been before
    being below beneath between beyond both but by came can cannot come could did do does doing
    done down during each either else enough especially etc even ever every few for from further
    furthermore get gets given go goes had has have having he hence her here hers herself him
    himself his how however i if in indeed instead into is it its itself just least less let like
    likely mainly many may me might mine more moreover most mostly much must my myself namely
    neither never nevertheless no none nor not nothing now of off often on once one ones only onto
    or
    other others otherwise our ours ourselves out over own per perhaps possibly quite rather
    really same shall she should since so some somewhat still such than that the their theirs
    them themselves then there thereby therefore these they this those though through thus to
    together too toward towards under unless until up upon us very via was we well were what
    when where whereas whether which while who whom whose why will with within without would yes
    yet you your yours yourself according due respectively
    """.split()
)
"""Words that carry no content of their own; what they do (negate, compare) is looked at apart."""

LIGHT_WORDS = frozenset(
    """
    able achieve across act actually addition additional additionally aim amount appear approach
    approximately aspect author available base basis call carry case cause certain characterize
    claim clear clearly compare comparison compared conclude conclusion conduct consider contain
    context contribute correspond couple current currently demonstrate depend describe detail
    determine develop different directly discuss display distinct document effect emphasize
    employ enable establish estimate evaluate evidence examine example exhibit exist experience
    experiment explain express fact feature find finding focus follow following form further
    furthermore general generally give good group happen have help high highlight identify imply
    importance important include indicate individual influence instance investigate involve issue
    key kind know lead level look main make manner mean measure mention method model namely need
    new note notably number observation observe obtain occur offer order outcome overall paper
    part participant particular particularly per perform performance play point possess present
    presence previous previously process produce propose proposed provide purpose put range reach
    person
    keep prove feel believe degree extent next latter former
    ask beforehand say tell leave afterwards meanwhile thereafter solely altogether
    receive recent recently refer regard related relation relative remain report reported
    represent require research researcher respect respective result reveal role say score see
    seen seek serve set setting several show significant significantly similar simple single
    specific specifically state stay study subject substantial substantially suggest support take
    team technique term test thing think time together total treat try turn type type undergo
    understand use used user using value various vary view way whole work yield
    go come back another further remainder hold need can
    due owing among amongst upon respectively besides despite whereas thanks via versus vs
    """.split()
)
"""Words of reports that may be added to a statement or left out without changing its claim."""

SIBLINGS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split())
    for line in """
    mouse/murine rat human/patient/person/people monkey/macaque pig/swine/porcine rabbit \
    dog/canine cat/feline bat cow/bovine/cattle camel bird/avian horse/equine sheep ferret \
    chicken/poultry hamster
    man/male/father/boy woman/female/mother/girl
    maternal paternal
    adult/grownup child/pediatric/paediatric/children infant/newborn/neonate/neonatal/baby \
    adolescent/teenager elderly/geriatric
    left right
    oral/orally/mouth intravenous/intravenously subcutaneous/subcutaneously intramuscular \
    topical nasal/intranasal inhaled rectal
    systolic diastolic
    morning afternoon evening night
    summer winter spring autumn
    monday tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december
    north/northern south/southern east/eastern west/western
    virus/viral bacterium/bacterial fungus/fungal parasite/parasitic
    encoder decoder
    precision recall
    input output
    benign malignant
    acute chronic
    heart/cardiac kidney/renal liver/hepatic lung/pulmonary brain/cerebral stomach/gastric \
    skin/cutaneous bone muscle pancreas/pancreatic bladder colon/colorectal breast prostate \
    ovary/ovarian thyroid spleen eye/ocular
    image/picture audio/speech video text
    hypertension hypotension
    vertical horizontal
    upper lower
    urban rural
    inpatient outpatient
    supervised unsupervised
    proximal distal
    anterior posterior
    ventral dorsal
    arterial venous
    agonist antagonist
    donor recipient
    linear nonlinear
    positive negative
    alpha beta gamma delta
    carbohydrate fat protein
    diabetes cancer asthma stroke malaria tuberculosis influenza pneumonia
    red blue green yellow black white
    second minute hour day/daily week/weekly month/monthly year/yearly/annual decade century
    cpu gpu tpu
    sensitivity specificity
    singular plural
    noun verb adjective adverb
    synchronous asynchronous
    qualitative quantitative
    public private
    mandatory voluntary/optional
    dna rna
    doctor/physician nurse
    hospital school home
    pro anti
    pre post
    intervention control/placebo
    monolingual bilingual multilingual
    symptomatic asymptomatic
    typical atypical
    natural artificial
    upstream downstream
    autoregressive nonautoregressive
    prospective retrospective
    bilateral unilateral
    dominant recessive
    homozygous heterozygous
    maximum/maximal minimum/minimal
    internal external
    primary secondary tertiary
    first second third fourth fifth
    """.strip().splitlines()
)
"""Things that exclude one another; a slash joins names of one thing."""
