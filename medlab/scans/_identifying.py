"""Which DICOM elements may tell who the patient is.

Source:
    DICOM PS3.15, Table E.1-1, "Application Level Confidentiality Profile Attributes": those
    that the basic profile removes, empties or replaces. Dates, times, names, private
    elements and unique identifiers count by their kind, whatever they are called.
"""

IDENTIFYING_KINDS = frozenset(("PN", "DA", "DT", "TM", "AS"))
"""Value representations of names, dates, times and ages."""

_PLAIN_UIDS = frozenset(
    (
        "SOPClassUID", "MediaStorageSOPClassUID", "TransferSyntaxUID",
        "ImplementationClassUID", "ReferencedSOPClassUID", "CodingSchemeUID",
        "ContextUID", "MappingResourceUID", "EncryptedContentTransferSyntaxUID",
        "ReferencedSOPClassUIDInFile", "ReferencedTransferSyntaxUIDInFile",
        "ContextGroupExtensionCreatorUID", "OriginalSpecializedSOPClassUID",
        "RelatedGeneralSOPClassUID", "AvailableTransferSyntaxUID",
    )
)  # fmt: skip
"""UIDs that name a kind of thing, and no image, study or place."""

IDENTIFYING = frozenset(
    (
        # Who it is.
        "PatientName", "PatientID", "IssuerOfPatientID", "OtherPatientIDs",
        "OtherPatientIDsSequence", "OtherPatientNames", "PatientBirthName",
        "PatientMotherBirthName", "PatientAddress", "PatientTelephoneNumbers",
        "PatientTelecomInformation", "PatientSex", "PatientAge", "PatientSize",
        "PatientWeight", "PatientSizeCodeSequence", "PatientBodyMassIndex",
        "PatientInsurancePlanCodeSequence", "PatientPrimaryLanguageCodeSequence",
        "PatientPrimaryLanguageModifierCodeSequence", "PatientReligiousPreference",
        "PatientSexNeutered", "PatientState", "PatientTransportArrangements",
        "PatientComments", "PatientSetupPhotoDescription", "PatientInstitutionResidence",
        "EthnicGroup", "EthnicGroupCodeSequence", "Occupation",
        "CountryOfResidence", "RegionOfResidence", "MilitaryRank", "BranchOfService",
        "MedicalRecordLocator", "ResponsiblePerson", "ResponsibleOrganization",
        "AdditionalPatientHistory", "MedicalAlerts", "Allergies", "SmokingStatus",
        "PregnancyStatus", "PertinentDocumentsSequence", "PertinentResourcesSequence",
        "PatientSpeciesDescription", "PatientBreedDescription", "StrainDescription",
        "StrainNomenclature", "BreedRegistrationNumber", "ReferencedPatientSequence",
        "ReferencedPatientAliasSequence", "ReferencedPatientPhotoSequence",
        "LastMenstrualDate", "ConfidentialityConstraintOnPatientDataDescription",
        # Who looked after them.
        "ReferringPhysicianName", "ReferringPhysicianAddress",
        "ReferringPhysicianTelephoneNumbers", "ReferringPhysicianIdentificationSequence",
        "ConsultingPhysicianName", "ConsultingPhysicianIdentificationSequence",
        "PhysiciansOfRecord", "PhysiciansOfRecordIdentificationSequence",
        "PerformingPhysicianName", "PerformingPhysicianIdentificationSequence",
        "NameOfPhysiciansReadingStudy", "PhysiciansReadingStudyIdentificationSequence",
        "OperatorsName", "OperatorIdentificationSequence", "RequestingPhysician",
        "RequestingPhysicianIdentificationSequence", "RequestingService",
        "ScheduledPerformingPhysicianName", "IntendedRecipientsOfResultsIdentificationSequence",
        "ScheduledPerformingPhysicianIdentificationSequence", "OrderEnteredBy",
        "OrderEntererLocation", "OrderCallbackPhoneNumber", "OrderCallbackTelecomInformation",
        "ReviewerName", "VerifyingObserverName", "VerifyingOrganization",
        "VerifyingObserverSequence", "VerifyingObserverIdentificationCodeSequence",
        "PersonName", "PersonAddress", "PersonTelephoneNumbers", "PersonTelecomInformation",
        "PersonIdentificationCodeSequence", "AuthorObserverSequence",
        "ParticipantSequence", "CustodialOrganizationSequence", "ContentCreatorName",
        "ContentCreatorIdentificationCodeSequence", "ActualHumanPerformersSequence",
        "HumanPerformerName", "HumanPerformerOrganization", "ResponsibleGroupCodeSequence",
        "DistributionName", "DistributionAddress", "InterpretationAuthor",
        "InterpretationRecorder", "InterpretationTranscriber", "InterpretationApproverSequence",
        "PhysicianApprovingInterpretation",
        "TimezoneOffsetFromUTC", "VisitComments", "ReasonForVisit", "ReasonForStudy",
        "NamesOfIntendedRecipientsOfResults",
        # Where.
        "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName",
        "InstitutionCodeSequence", "InstitutionalDepartmentTypeCodeSequence",
        "StationName", "PerformedStationName", "PerformedStationAETitle",
        "PerformedStationNameCodeSequence", "PerformedStationGeographicLocationCodeSequence",
        "PerformedLocation", "ScheduledStationName", "ScheduledStationAETitle",
        "ScheduledStationNameCodeSequence", "ScheduledStationGeographicLocationCodeSequence",
        "ScheduledProcedureStepLocation", "ScheduledStudyLocation",
        "ScheduledStudyLocationAETitle", "CurrentPatientLocation",
        "ScheduledPatientInstitutionResidence", "RetrieveAETitle",
        "SourceApplicationEntityTitle", "SendingApplicationEntityTitle",
        "ReceivingApplicationEntityTitle", "StationAETitle", "DeviceSerialNumber", "DeviceUID",
        "DeviceDescription", "DeviceLabel", "DeviceSettingDescription",
        "UniqueDeviceIdentifier", "UDISequence", "DetectorID", "CassetteID", "GantryID",
        "GeneratorID", "PlateID", "XRaySourceID", "TransducerIdentificationSequence",
        "SourceSerialNumber", "SourceManufacturer", "TreatmentMachineName",
        "ScannerSettingsSequence",
        "LensMake", "LensModel", "LensSerialNumber", "LensSpecification", "MakerNote",
        "CameraOwnerName",
        "GPSLatitude", "GPSLongitude", "GPSAltitude", "GPSTimeStamp", "GPSDateStamp",
        # Which examination.
        "AccessionNumber", "IssuerOfAccessionNumberSequence", "StudyID", "AdmissionID",
        "IssuerOfAdmissionIDSequence", "ServiceEpisodeID", "ServiceEpisodeDescription",
        "IssuerOfServiceEpisodeIDSequence", "FillerOrderNumberImagingServiceRequest",
        "PlacerOrderNumberImagingServiceRequest", "RequestedProcedureID",
        "ScheduledProcedureStepID", "PerformedProcedureStepID", "ScheduledAdmissionDate",
        "RequestAttributesSequence", "StudyDescription", "SeriesDescription",
        "ProtocolName", "AcquisitionProtocolDescription",
        "AcquisitionDeviceProcessingDescription",
        "PerformedProcedureStepDescription", "RequestedProcedureDescription",
        "RequestedProcedureLocation", "RequestedProcedureComments",
        "ScheduledProcedureStepDescription", "CommentsOnThePerformedProcedureStep",
        "CommentsOnTheScheduledProcedureStep", "ImagingServiceRequestComments",
        "IssueDateOfImagingServiceRequest", "ReasonForTheImagingServiceRequest",
        "ReasonForTheRequestedProcedure", "RequestedContrastAgent", "PreMedication",
        "AdmittingDiagnosesDescription", "AdmittingDiagnosesCodeSequence",
        "DerivationDescription", "ContrastBolusAgent", "DischargeDiagnosisDescription",
        "SpecialNeeds", "IdentifyingComments", "ImageComments", "FrameComments",
        "StudyComments", "ResultsComments", "ResultsID", "ResultsIDIssuer",
        "InterpretationText", "InterpretationDiagnosisDescription", "InterpretationID",
        "InterpretationIDIssuer", "Impressions", "Arbitrary", "TextComments", "TextString",
        "TextValue", "ContentSequence", "ModifiedAttributesSequence",
        "OriginalAttributesSequence", "ModifyingSystem", "SourceOfPreviousValues",
        "DataSetTrailingPadding", "DigitalSignaturesSequence", "MACParametersSequence",
        "EncryptedAttributesSequence", "IconImageSequence",
        "GraphicAnnotationSequence", "AcquisitionComments", "DigitalSignatureUID",
        "LabelText", "BarcodeValue", "ContainerIdentifier", "SpecimenIdentifier",
        "SpecimenAccessionNumber", "SpecimenShortDescription", "SpecimenDetailedDescription",
        "SlideIdentifier", "ROIName", "ROIDescription", "StructureSetLabel",
        "StructureSetName", "StructureSetDescription", "RTPlanLabel", "RTPlanName",
        "RTPlanDescription", "DoseComment", "BeamDescription", "FractionGroupDescription",
        "PrescriptionDescription", "ClinicalTrialSponsorName", "ClinicalTrialProtocolID",
        "ClinicalTrialProtocolName", "ClinicalTrialSiteID", "ClinicalTrialSiteName",
        "ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID",
        "ClinicalTrialTimePointDescription", "ClinicalTrialCoordinatingCenterName",
        "ClinicalTrialSeriesDescription", "ClinicalTrialSeriesID",
        "ClinicalTrialProtocolEthicsCommitteeName",
        "ClinicalTrialProtocolEthicsCommitteeApprovalNumber",
        "ConfidentialityCode", "PatientClinicalTrialParticipationSequence",
    )
)  # fmt: skip
"""Keywords of elements that identify, besides those told by their kind."""


def identifies(keyword: str, kind: str, *, is_private: bool) -> bool:
    """Whether an element may tell who the patient is.

    Args:
        keyword: Its keyword, empty if it has none.
        kind: Its value representation, such as "PN".
        is_private: Whether a maker defined it; nobody else knows what it holds.

    Example:
        >>> identifies("PatientName", "PN", is_private=False)
        True
        >>> identifies("Rows", "US", is_private=False)
        False
    """
    if is_private or kind in IDENTIFYING_KINDS or keyword in IDENTIFYING:
        return True
    return kind == "UI" and keyword not in _PLAIN_UIDS
