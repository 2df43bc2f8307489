"""Groups of words that may stand for one another in a report without changing what is claimed.

Opposites and siblings (``mice``, ``rats``) never share one. A group is one line; a line that ends
with a backslash goes on.
"""

from __future__ import annotations

__all__ = ["GROUPS"]

GROUPS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split())
    for line in """
    decrease reduce reduction lower lowered decline drop diminish lessen less fewer fall smaller \
    cut lowering shrink decreased attenuate down low
    increase raise rise elevate elevated higher greater more grow growth larger boost gain \
    escalate high upregulate climb augment
    improve improvement enhance enhancement better good ameliorate boost gain strengthen benefit
    worsen deteriorate degrade worse bad impair deterioration harm hurt degradation
    inhibit suppress block repress prevent impede hinder inhibitor inhibition suppression abolish
    prevent avoid avert protect prevention preclude
    induce trigger cause elicit provoke produce lead stimulate generate initiate
    activate stimulate activation
    promote facilitate encourage foster support drive
    associate correlate link relate association correlation relationship connect connection \
    linked tie tied
    predict forecast prediction predictor prognostic
    cause reason due lead result responsible
    consequence result outcome effect
    patient participant subject individual volunteer person people enrollee case
    child pediatric paediatric children youngster
    infant baby newborn neonate neonatal
    adult grownup
    elderly older aged old senior
    woman female
    man male
    mother maternal
    pregnancy pregnant gestation gestational
    die mortality death fatal fatality lethal decease
    survive survival alive
    cancer tumor tumour carcinoma malignancy neoplasm malignant
    disease illness disorder condition
    infect infection infected infectious
    contagious transmissible infectious
    transmit transmission spread transmissible
    treat treatment therapy therapeutic intervention administration
    drug medication medicine pharmaceutical
    dose dosage
    administer give administration inject injection deliver receive administered
    symptom sign
    doctor physician clinician
    clinic hospital
    illness sickness
    heart cardiac
    kidney renal
    liver hepatic
    lung pulmonary
    brain cerebral
    blood serum plasma
    skin cutaneous dermal
    bone skeletal
    muscle muscular
    stomach gastric
    begin start initiate commence onset initiation
    end finish stop terminate cease discontinue discontinuation completion conclude
    finish complete completion
    use utilize utilise employ apply usage adopt leverage exploit application utilization
    show demonstrate reveal indicate find report observe display exhibit illustrate see
    suggest indicate imply propose hypothesize
    detect identify find discover recognize detection identification discovery
    examine investigate study analyze analyse explore assess evaluate test evaluation assessment \
    analysis examination investigation
    measure quantify gauge measurement
    develop create design build construct make produce establish devise introduce
    propose introduce present suggest
    train training learn
    pretrain pretraining
    need require necessary requirement demand necessitate
    allow enable permit let possible
    contain include comprise consist composed encompass constitute incorporate hold involve
    include cover encompass
    compose consist made constitute comprise
    change alter modify shift vary alteration modification affect variation
    affect influence impact effect alter
    differ difference different distinct vary distinguish
    similar comparable equivalent alike same equal resemble similarity like
    equal same identical equivalent
    big large great huge substantial sizeable
    small little tiny minor
    quick fast rapid speedy swift quickly
    slow slowly slower
    short brief shorter
    long lengthy prolonged prolong extended longer duration lengthen
    shorten shorter short
    frequent common often prevalent frequently commonly
    frequency rate incidence prevalence occurrence
    rate proportion percentage share ratio percent fraction
    rare uncommon infrequent seldom
    important crucial key essential vital critical significant central
    main primary major chief principal key
    method approach technique procedure strategy way algorithm
    model system network architecture
    dataset data corpus collection
    paper article study work
    author researcher investigator team
    trial study experiment
    experiment test
    result finding outcome
    accuracy accurate precise correct
    error mistake
    correct right
    wrong incorrect erroneous
    outperform surpass exceed beat better superior
    exceed surpass beyond
    superior better good
    inferior worse bad
    average mean
    approximately about around roughly nearly
    number count quantity amount total
    amount level quantity volume
    level concentration amount
    many numerous multiple several various
    several multiple various numerous
    each every per
    yearly annual annually year
    monthly month
    daily day
    weekly week
    hourly hour
    nightly night
    twice double two
    half halve
    begin originate origin
    source origin originate
    place location site position region area
    region area zone
    country nation national
    worldwide global globally world
    risk hazard danger likelihood probability chance odds
    safe safety
    danger dangerous harmful hazardous risk
    adverse side unwanted harmful
    event occurrence incident
    happen occur arise take
    exist occur present
    presence present existence
    absent absence lack missing
    cell cellular
    gene genetic
    protein proteins
    mutate mutation mutant
    express expression
    encode code encoding
    bind attach attachment binding interact
    interact interaction
    receptor receptors
    enter entry invade penetrate
    replicate replication reproduce
    produce generate yield production generation make create
    release secrete secretion
    remove eliminate delete discard exclude removal drop omit elimination
    exclude omit except
    add append addition include
    keep retain preserve maintain maintenance
    maintain sustain preserve retain
    stable unchanged constant steady
    obtain get acquire gain achieve attain reach derive collect
    achieve attain reach obtain accomplish
    collect gather assemble
    select choose pick selection choice
    choose choice opt prefer
    divide split separate partition
    combine merge integrate join combination fuse
    compare contrast comparison versus relative
    rely depend based reliant base hinge crucial
    explain account
    describe outline detail depict
    call name term denote refer
    know known aware
    believe think consider
    consider regard deem view
    hard difficult challenging tough difficulty
    easy simple straightforward
    expensive costly
    cost price expense expenditure
    cheap inexpensive
    pain ache painful
    exercise training workout physical
    diet dietary nutrition
    food meal
    eat consume intake consumption ingest
    consume intake
    weight mass
    obese obesity overweight
    hypertension hypertensive
    diabetes diabetic
    inflammation inflammatory
    immune immunity immunological
    vaccine vaccinate vaccination immunize immunization inoculate
    antibody antibodies immunoglobulin
    virus viral
    bacterium bacterial
    pathogen pathogenic
    animal animals
    human humans person
    mouse murine
    rat rats
    pig swine porcine
    cow bovine cattle
    bird avian
    bat bats
    dog canine
    cat feline
    horse equine
    chicken poultry
    language linguistic
    word lexical term
    sentence sentences
    text textual
    picture image photo
    speak speech spoken
    write written
    question query
    answer response reply
    respond response react reaction
    respondent responder
    translate translation
    summarize summary summarization
    classify classification categorize
    category class
    label annotate annotation
    annotator annotate
    evaluate score benchmark
    memory storage
    compute calculate computation calculation computational
    fit adapt adjust
    fine finetune
    layer layers
    parameter weight
    previous earlier prior past former preceding
    later subsequent following after subsequently
    early earlier
    recent new latest
    new novel
    current present existing
    first initial initially
    final last ultimate
    whole entire complete full
    part portion component fraction segment section
    component constituent element ingredient
    ability capacity capability able capable
    capable able
    fail failure unable unsuccessful
    success successful succeed
    help assist aid support
    support confirm corroborate back
    confirm verify validate corroborate
    prove proof
    goal aim objective purpose target
    aim seek intend attempt
    attempt try effort
    problem issue challenge difficulty
    solve resolve address tackle
    conflict disagree contradict disagreement inconsistent controversial
    contradict oppose opposite contrary
    limit restrict constrain limitation restriction confine
    wide broad extensive
    strong powerful robust potent
    weak feeble
    severe serious grave
    severity severe
    acute sudden
    chronic persistent
    persist last remain continue stay
    remain stay continue
    group arm cohort
    control comparator
    placebo sham
    random randomize randomise randomly randomized
    allocate assign randomize allocation
    assess measure evaluate
    follow track monitor
    surveillance monitoring monitor
    hour hours
    home household house residential
    school educational education
    student pupil
    teacher instructor
    employ worker employee
    job work occupation
    money financial fund
    pay payment
    live reside
    travel trip journey
    test assay
    diagnose diagnosis diagnostic
    screen screening
    surgery surgical operation operative
    operate operation
    operation procedure
    lesion wound injury
    damage injury harm
    injure injury trauma
    harm damage
    heal recovery recover
    recover recovery
    relapse recurrence recur
    delay postpone slow
    accelerate speed quicken hasten
    speed fast pace
    size large scale magnitude
    shape form
    structure structural architecture
    length long extent size
    width wide
    age aged old
    sex gender
    race ethnicity ethnic
    smoke smoking smoker tobacco cigarette
    drink alcohol
    sleep asleep
    mental psychological
    depress depression depressive
    anxious anxiety
    stress stressful
    think cognitive cognition
    ask request demand call
    exceed above over
    deadly fatal lethal
    visit attend attendance
    admit admission hospitalize hospitalization
    discharge release
    intensive critical
    ventilate ventilation
    breathe respiratory respiration breathing
    fever febrile pyrexia
    cough coughing
    distribute distribution
    widespread prevalent common
    vary range
    range span
    include range
    consistent agree consistently agreement
    agree concur
    rule exclude
    lack deficiency deficient without absence
    deficient deficiency
    deplete depletion
    mediate mediated mediator
    regulate control modulate regulation
    target aim
    derive obtain come
    come originate stem
    isolate separate isolation
    quarantine isolation
    outbreak epidemic
    epidemic pandemic outbreak
    guideline recommendation
    recommend advise recommendation
    expect anticipate
    estimate calculate
    likely probable probably
    yield produce give
    equip provide supply
    supply provide furnish
    provide offer give deliver supply
    available accessible
    access accessible
    release publish public
    publish publication
    dialogue dialog conversation conversational
    chat conversation
    metaphor metaphorical
    retrieve retrieval
    reader reading
    encode encoder
    decode decoder
    generate generation generator
    token tokens
    task tasks
    mask masking
    gpu gpus
    human manual manually
    machine automatic automated
    automatic automatically automated
    baseline reference
    parallel parallelism
    sequence sequential
    distill distillation
    optimal best optimum ideal
    best top highest good
    highest most maximum maximal top
    lowest least minimum minimal
    maximum maximal highest
    minimum minimal lowest
    """.strip().splitlines()
)
"""Words that may stand for one another; a word may belong to several groups."""
